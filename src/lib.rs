//! telekommo joins Telegram bots and Kommo (formerly amoCRM): customers write to a bot, managers answer in the CRM, and
//! every message crosses durably and in order.
//!
//! Three truths decide the design. Kommo sends each hook once and never again. Telegram forgets an update when the next
//! poll confirms it. People forgive slow, but not lost, doubled or sent to the wrong customer. So nothing is
//! acknowledged before it is on the disk (■ below), and everything that can fail happens behind a durable queue.
//!
//! # A customer writes
//!
//! 1. [`telegram::poll`] asks Telegram for updates from an offset on. Each is kept as it came, as raw JSON, and none depends on
//!    how the others look: a library that reads types gives up a whole message over one detail that it does not know, and a
//!    whole batch over one that is nested too deeply. Where an answer cannot be read at all, updates are asked for singly until
//!    the one is found that breaks it; it is set aside under its number.
//! 2. [`store::Store::push`] takes the batch and the next offset in one durable step ■. Each update waits in the lane of its
//!    conversation, under the bot's id and the update's own, by which a repetition is recognised. Only then does the
//!    next poll confirm the batch.
//! 3. [`relay`] claims the head of a lane. [`translate::from_telegram`] reads the JSON with structs in which everything
//!    is optional ([`telegram::wire`]). What Kommo has no kind for (a poll, a payment, a gift, a change of the chat) is
//!    told in words, formatting as marks in plain text, and a kind that nobody knows yet by its name and the words in it.
//!    [`translate::to_kommo`] makes the event.
//! 4. [`kommo::chats`] serialises it once, signs those bytes ([`kommo::sign`]) and sends them. Kommo takes each message
//!    id once, so this may be repeated until an answer comes.
//! 5. [`store::Lease::settle`] removes the job and keeps what the answer told of Kommo's ids ■; or it says when to try
//!    again ■; or it sets the message aside for a person ■.
//!
//! A file stays at Telegram. The event carries a link of ours ([`media::link`]) that Kommo fetches when it likes, and
//! [`media::serve`] lets the file pass through: nothing is kept here, and Telegram's own address, which holds the bot's
//! token, is told to nobody. Telegram says the same of a file that is gone and of one that it cannot give for a moment: that is
//! answered with 503, and with 410 only once it has gone on for an hour. A file that is shorter or longer than it was said to be is never
//! passed on as whole, in either direction: the connection breaks, or the upload is not completed. Where files of a source fail one after
//! the other, or a server gives none, the operator is told, until one passes. Few files pass through at the same time, so that those who read them never keep a hook waiting.
//!
//! The customer's picture is such a file too ([`domain::avatar`]). Telegram is asked for it once a day, before a message of
//! the customer is sent and for no longer than that can wait; the answer is kept beside the queue, and the same picture has
//! the same link. Where an own Bot API server keeps files on this machine, they are read there ([`media::disk`]). A file or
//! a picture that Kommo refuses never takes the words with it.
//!
//! A press of a button is a message that says what stands on it, and names the choice where Kommo has an id for it. Nothing is kept about keyboards: Telegram gives them back
//! with the press, so old ones outlive a restart, an upgrade and a lost store. While the message goes to Kommo, the press
//! is answered and the keyboard taken away; neither waits for the other, and only the message decides how it ends. A
//! keyboard that is used once gives each of its buttons one message id, so that pressing twice says it once. A press may come
//! without its message: then it is said in the chat of whoever has pressed, and each press counts. Every press is answered.
//!
//! Numbers of messages are no keys where they are 0, as for what one member of a group alone sees: there the update's stands beside.
//!
//! What a message answers is named by Kommo's id if the store knows that Kommo has it and Kommo takes that; otherwise its
//! first line goes in front. Words that were picked out of it go in front in any case, since an id does not tell which. An
//! edit gives the message its new wording under the same condition, with the file and the quote that belong to it, and is else
//! a message marked as edited, which quotes the one that Kommo has. Whether Kommo takes edits of what customers wrote is
//! unknown: when it has refused edits of three messages in a row, it is tried again a day later ([`kommo::chats::Edits`]). An
//! attempt whose answer was lost is looked for in the chat's history before the next one, so that no text stands there twice.
//! What lies between us and Kommo never makes an edit a message of its own: only Kommo's own answers do.
//! A reaction to a message that Kommo does not know, one without an emoji, or one in a group, where Kommo would show a single one,
//! is let go.
//!
//! Kommo sorts by the millisecond and Telegram tells the second, so Telegram's number of the message stands in for the
//! milliseconds. A message that would stand before the one before it is told to be a millisecond younger than that
//! ([`domain::timestamps`]), of which the store keeps what Kommo was told ■. So is one that would stand
//! before a manager's message that had arrived before it, whatever the two clocks say: Telegram's numbers tell what came after
//! what, and the store keeps the numbers of managers' last messages with Kommo's dates ■. Nothing is moved by more than two hours.
//! A repetition may say a later date, if more has arrived meanwhile; Kommo keeps that of the attempt that it took.
//!
//! # Who reads what
//!
//! Every sentence that a manager reads in Kommo or a customer in Telegram stands in one catalogue, [`words`], in four languages.
//! A sentence is a value ([`words::Sentence`]) until it is known who reads it: a refusal goes through the relay as one, and is
//! put into words where it becomes a status, while the log and the parked message tell the operator of it in English. What is
//! stored is words. Managers read `kommo.language`, else the language that the account tells ([`words::Spoken`]; the store keeps
//! it for starts at which the account cannot be asked), and customers that of their Telegram. What Telegram's server may refuse
//! is a table ([`telegram::failure`]); what is not in it is told in Telegram's own words within a sentence of ours.
//!
//! # Chats of other kinds
//!
//! A customer who blocks the bot is a fact of the conversation ([`domain::reach::Membership`]). What waits there fails at once
//! with a status, and the manager reads of it in the chat, in the name of the channel's bot: first the fact ■, then the
//! notice, so that Kommo's troubles hold up nothing. The fact is about what was waiting when it came. An answer that is
//! written later makes its one attempt: Telegram itself knows best, and a word that we missed must not make the bridge mute.
//!
//! With Telegram Business a bot reads and answers in the private chats of a person. Such a chat is a conversation of its own,
//! named by that person and the customer ([`domain::address::TelegramChat`]): a customer who also writes to the bot has two,
//! and neither's answers can go to the other, since the way to a chat ([`telegram::place::Target`]) is one value in every call.
//! Telegram's id of the connection changes whenever the person connects the bot anew, so it names lanes, not conversations,
//! and is looked up when a call is made. A connection that was never told of is asked for, and so is one that seems to have
//! lost its rights, before an answer is refused. What the person writes on their phone is told to Kommo as
//! delivered, in the same call. An account that refuses a status there, or one of the two names of a status, is told without it
//! for the rest of the run; a refusal counts as one of the form only if another form is taken.
//! Telegram lets a bot answer there for a day after the customer's last message. The newest one that nobody has answered is kept
//! ([`domain::question`]) ■; two hours before its time is over, [`relay::reminders`] makes the job that tells the manager.
//!
//! Groups are ignored, or each is one conversation under its title. One that becomes a supergroup is another chat with
//! another count of messages; its conversation and its contact stay, and the store knows both ends. Where that was not known
//! and Kommo has a chat of each, both stay. In a chat with topics, the topic of the newest message is kept, and answers go there,
//! or to the topic of what they
//! answer; where that is no more, to where the talk is, or outside of all topics. The parts of an answer stay together. The direct messages of a channel are one chat of all its
//! customers, and are not relayed; nor is what is said where the bot is a guest, since the id of that chat may be another one's.
//!
//! Kommo knows comments: a message with a `post` begins a talk of its own per post, beside the private chat of the same person.
//! We send none. Who comments in a discussion group need not have opened the bot, so there is no private chat to stand beside.
//! Kommo's history is not documented to tell the post, so a comparison could not tell a public answer from a private one,
//! and would send one of them to the wrong place. Only a comment that answers the post itself says which post it is about. And
//! comments can be answered by text alone. So a discussion group stays one conversation like any group: an answer that quotes
//! a comment stands in its thread, and a hook with a `post` is read like any other.
//!
//! # A manager answers
//!
//! 1. [`serve`] keeps the way free for Kommo, which sends each hook once: thousands of connections cost next to nothing until a request's
//!    head is complete, memory for a body is taken before it is read, small bodies have an account of their own, and when it
//!    gets tight the slowest and oldest are dropped first, those of a network that has more than its share before all others, but
//!    never one whose hook is being stored. A head that two readers could read in two ways is refused before anything else
//!    reads it. What is neither a signed hook nor a good link is counted by its client's address, and beyond 60 a minute
//!    answered with 429; only a web server that the operator trusts is believed whose it is. [`kommo::hook`] checks the signature over the raw bytes. Only [`kommo::sign::Verified`] bytes are read further.
//! 2. The hook goes into the lane of its conversation under Kommo's message id ■, and Kommo gets its 200. Typing is the
//!    exception: it is worthless when late, so [`relay::typing`] shows it or drops it. A reaction has no id and goes by the
//!    digest of its hook; it waits in the same lane, behind the message that it may be about, and goes on in one
//!    of its own, so that no answer waits for it. It is let go where Telegram does not take it.
//! 3. [`relay`] claims it. [`translate::from_kommo`] and [`translate::to_telegram`] turn it into calls, without I/O; a
//!    long text becomes several. The calls take the hook's place in the lane ■, so that a retry of one repeats no other,
//!    and nothing later gets between them.
//! 4. [`telegram::bot`] makes each call, and each is settled by itself ■. Only an answer in Telegram's own shape is its verdict
//!    ([`telegram::failure`]); a proxy's page says nothing about the message. Telegram has no idempotency key: if the
//!    connection breaks after a call was sent, it may have arrived, and is reported as such rather than repeated.
//! 5. The last call leaves a delivery status ■ in a lane of its own, which tells Kommo "delivered"; a failure leaves one
//!    with a code and a sentence for the manager. The lane is its own so that a status that Kommo does not take holds up no
//!    customer's message.
//!
//! Telegram does not tell bots what has been read. Where it is wanted, answers that have arrived are kept by their numbers, and
//! each is told as read once its customer does something that shows it ([`relay`]'s `read_receipts`), in the same topic where the chat
//! has some: in the same lane, behind "delivered", and in the same step ■ in which the customer's deed is done with.
//!
//! Files have slots of their own in the relay, so that a broadcast of them delays no words, and what people write goes before
//! what somebody sends to many at once ([`kommo::hook`] tells them apart by how many chats are written to within a minute).
//! Each chat keeps a pace of its own ([`rate_limit`]): a call whose time has not come gives its slot back.
//!
//! A file is a call that names where Kommo has it. When its turn comes, [`kommo::media`] opens it, from Kommo's hosts alone,
//! whose names are looked up once for each connection, and must not lead into a private network,
//! and [`telegram::upload`] looks at its first bytes, chooses the method that fits what it is, and lets the rest pass
//! through: no file is ever in memory or on the disk as a whole. Half a request does nothing at Telegram, so until its last
//! byte has gone out a call can be repeated, whatever breaks; [`telegram::upload::BodySent`] knows. A refusal leads to the
//! nearest form that Telegram may take, for which the file is fetched anew. A file that cannot be had or sent in any form takes
//! no words with it: the text goes, and what of the answer is lost ([`domain::job::Call::omitted`]) is told once it has arrived.
//!
//! Files that were sent at once come as hooks of their own. The first waits in its lane, by the store's instants, until no
//! more have come for a moment; then all of them become one album in one step ■ ([`store::Outcome::Merge`]), which keeps the
//! message and the status of each. What Telegram does not mix or does not take together becomes smaller albums or single
//! calls, each again a job of its own. One that fails parks its own answer and not its neighbours.
//!
//! A manager who writes first chooses a phone number, and Kommo makes a chat that no conversation of ours is known to be. The
//! hook then goes into the lane of the customer who has shared that number as their own ([`kommo::addressee`]), however it is written ([`domain::phone`]), and to
//! nobody otherwise. Once it has arrived, the chat is kept as begun ([`domain::manager_initiated`]) ■ and the message is given its id of
//! ours. The customer's next words name both chats, by which Kommo makes them one; where it does not, they go where they always
//! went.
//!
//! # What fails
//!
//! A failure is judged twice. The client says what the remote's answer means ([`domain::retry::Failure`]): only an answer in the
//! remote's own shape is its verdict on a message. The [`breaker`] of the route says whom a failure without a verdict is due to.
//! A connection that does not come about is due to the way. Anything else may be due to this one message, so the remote is
//! asked for nothing but an answer; if it does not give that, or several messages fail and none passes, the way is broken.
//! While it is, the relay claims nothing but a trial now and then, and no attempt is used up. The first success lets all lanes
//! go, the oldest first.
//!
//! A message that fails while others pass fails alone: after six attempts it is set aside, or its author is told; a courtesy
//! (a reaction, a mark, that something was read) is let go, and a new wording is told as a message of its own. A lane that
//! waits for something that Kommo has yet to make ([`domain::retry::Failure::NotYet`]) waits as long as that takes.
//!
//! Waits within one run are measured by a clock that nobody sets ([`clock::steady`]): no step of the wall clock ends or prolongs
//! one. What an earlier run has left is due at once, since nobody knows when that was.
//!
//! # The ways out
//!
//! All clients that leave this machine are made in one place ([`net`]): each side has a proxy of its own, or none, or that of
//! the environment, and the machine's own certificates are trusted beside those that are built in. There each failure gets its
//! cause in words, which name the host and the proxy, and never a path or a password. Where a proxy looks up names, nobody
//! here sees to which address a name of a manager's file leads, so the list of hosts alone decides what is fetched.
//!
//! # What came while nobody listened
//!
//! Telegram keeps updates; Kommo sends a hook once. Whether hooks were lost cannot be seen from here (a web server before us
//! that is down loses them quietly), so only Kommo's history tells. The chats that are alive are compared with it
//! ([`relay::reconcile`]) at a start, when an outage or a sleep has ended, and every hour in any case, from the instant at which the
//! last comparison that was complete began. The hourly one asks once for each chat, the liveliest first, and at a seventh of
//! the rate: a manager may also write where the customer is silent. A message that was written in Kommo and never taken
//! becomes the job that its hook would have become, under the same id. Hooks that come while a start compares are taken and
//! answered as ever, but held in their lanes until what is missing stands before them ([`store::Store::backfill`] ■), for a
//! minute at most. A comparison that is cut short is begun again by the next one; of a chat that alone cannot be read, it is
//! noted from when on ([`store::Behind`]), so that it holds back no other. What a restored store cannot know it does
//! not send, since it would be a second time, but tells. A store that went back in time without our doing (a snapshot, an old
//! copy) is known by Kommo's having a message of ours that it neither knows nor still has to send, and is treated alike
//! ([`store::Store::rewound`] ■); so a start sends nothing of what it finds, and nothing that waits, before there was time to see that. Since a start may end before
//! that, the store keeps how far it was whole when the last comparison was complete ([`store::Store::horizon`]). No clock is trusted alone: while
//! this machine's is far from Kommo's ([`kommo::time`]) nothing is compared, and what is remembered goes by both. Chats that have been
//! silent for long are looked at in rounds of their own, and when the account names them. Of a message that is too old to be sent, once no hook of it can come any
//! more, and of an item without text and file its manager is told by a status. Answers that are found although
//! their hooks should have come are a sign that something in front of us refuses hooks: the operator is told until hooks come again. A chat that Kommo has made, and of which a crash
//! has kept us from hearing, is compared from the next start on.
//!
//! # What the account adds
//!
//! With a token, [`kommo::account`] speaks to the account's REST API: sources, contacts, leads, templates. Nothing above
//! depends on it. All its calls share one limit and one brake, since Kommo counts by address and shuts out who goes on
//! asking; what a message waits for goes before everything else. What a call waits for its turn counts against no
//! deadline ([`rate_limit::within`]). The account is first asked who it is: of one that is not
//! ours nothing more is asked, by whomever.
//!
//! Beside the relay, a start sees to what Kommo needs ([`operate::setup`]): the channel is connected, the token is good and
//! for this account, the sources are in step. What fails there is told and tried again, and delays no message. Only which
//! account it is must be known first ([`operate::identity`]): from the configuration, else from the store, else from the
//! account itself.
//!
//! Customers are people in the account ([`relay::crm`]). A `/start` may carry an invitation ([`invite`]), signed and used
//! once, or a campaign's name; a customer may have shared their phone number, or write to another of the bots already. So a
//! first message has a few seconds in which its chat is made and given to the contact that it belongs to, before it makes a
//! lead. What does not come about by then, and whatever is noted in contacts and leads, is a job of a route of its own ■.
//! Links, contacts and leads have lanes of their own, since Kommo makes each in its own time; what is noted waits for the link.
//! A chat that moves to the right contact leaves a note in the one that Kommo had made for it, which its API cannot take away.
//! Where customers are asked for their number, their `/start` is held in the store ■ until they share it, write, or the time
//! is over.
//!
//! Who is behind a conversation can be forgotten ([`store::Store::forget`]): the name, the number and the picture go, and what
//! Kommo was told of them. Ids stay, by which nothing is doubled and answers find their way, and so does what is under way.
//!
//! # What was before the bridge
//!
//! [`operate::import`] sends an export of Telegram Desktop straight to the Chats API, beside a bridge that may run: the store
//! belongs to that one. So imported messages have ids of their own kind ([`domain::imported`]), a file of notes, and no links in
//! the store. Another file tells which chat of Kommo's each conversation went into ([`media::imported`]): such a chat is compared
//! like others, for managers may answer there before its customer has written to the bot. What was imported in a manager's name
//! may come back as a hook; [`kommo::hook`] knows it by its age, where there was such an import.
//!
//! # What is promised
//!
//! - At least once, in order, per conversation; conversations go on side by side. Only if a person connects the bot anew
//!   while messages of their chats wait, what comes by the new connection may overtake those. A crash between a remote's acceptance
//!   and our settling repeats that one call and nothing else. In Kommo the repetition is recognised by its id. A stop is
//!   no crash: what it breaks off after Telegram may have had all of it is reported as uncertain instead of repeated.
//! - Late is better than never, up to a point: an answer that has waited too long is reported instead of sent.
//! - Once something is acknowledged, a failure ends as a retry, as a parked message that a metric, the log and
//!   `telekommo parked` show, or as a status that a manager sees. A hook that cannot be stored gets a 503 and a line in
//!   the log. [`domain::retry::Failure`] carries the verdict from where the cause is known to the one place that acts on it.
//!   What somebody was told of is parked for a while only; what needs a person stays.
//! - A row that cannot be read, after a step back to an older version or a fault of the disk, stops nothing: a job is set
//!   aside byte by byte with what is left of its arrival, and can go back once a version is there that reads it; what is only
//!   looked up counts as absent, or as taken where the other way would send something twice. A store of a newer format is
//!   refused, one of an older is brought up step by step.
//! - A remote (Kommo, its account, each bot) pauses alone. A revoked token stops its own bot only.
//! - The conversation's id says which bot talks in which chat, so an answer can be sent even by a bridge that has lost its
//!   store, and never to another chat. In the chats of Telegram Business it has to be told of the connection first, which
//!   any message in them does; until then an answer is refused with a sentence that says so.
//!
//! # What durable means
//!
//! A power cut takes every byte and every name that was not synced, also those of which sled thinks otherwise: it syncs neither
//! the names of its files nor the files that it makes for large pages, and it writes over parts of its log as soon as what was
//! in them stands elsewhere, synced or not. So no row is large ([`store`] keeps larger ones in chunks), no more than a segment
//! of the log is written between two syncs, and whatever is new in the store's folder is synced with each commit, before the
//! log that refers to it. A store, a dump and a restored store get their names when they are whole. One process has the data
//! directory at a time: a bridge, or a restore until its end. A test writes down everything that a process does to its files,
//! puts the disk together as a cut at any step may leave it, and opens that.
//!
//! # What an operator has written
//!
//! [`config`] stops at what cannot be right, and warns of what may be meant: the permissions of a mounted secret, a variable that
//! only begins like ours. [`files::readers`] judges who can read a secret by the mount, the folders on the way and the members
//! of the group, not by the file's mode alone. [`files::denied`] says whose a file is that the system refuses. A store is
//! called damaged only where its bytes are ([`store::StoreError`]): whatever the system says is no damage, and leads to no restore.
//! `server.public_url` may have a path, which [`serve`] takes off where a web server has kept it.
//!
//! # The rooms, in reading order
//!
//! | Module | What it is | Imports |
//! |---|---|---|
//! | [`words`] | what people read, in their languages | nothing |
//! | [`domain`] | what the words of the bridge mean | [`words`] |
//! | [`translate`] | wire <-> domain, pure | [`domain`], [`words`], the two `wire` modules and [`media::link`] |
//! | [`telegram`], [`kommo`] | the two remotes | never each other |
//! | [`media`] | customers' files: signed links, and what they lead to; what an import leaves | [`domain`], [`telegram`] |
//! | [`store`] | the durable queue, links, dumps; the only place that knows sled | [`domain`], [`files`] |
//! | [`relay`] | claim -> step -> settle | all of the above |
//! | [`operate`] | the operator's ring: set-up in Kommo, probes, upkeep, restore | the bridge |
//! | [`sandbox`] | a fake Telegram, a fake Kommo (Chats API and account), and a page that shows both | the bridge |
//! | [`app`], [`lifecycle`], [`config`] | composition, start and stop, configuration | |
//! | [`files`] | an operator's files: their text, who can read them, why the system refuses one | nothing |
//!
//! `fuzz` holds what is promised of everything that comes from outside; it is there for tests and for libFuzzer alone.
//!
//! [`invite`], [`lenient`], [`clock`], [`files`], [`rate_limit`], [`breaker`], [`metrics`] and [`net`] are leaves that several rooms use. The bridge never imports the
//! operator's ring or the sandbox; only [`app`], which puts all of it together, does. No file names both a Telegram wire
//! type and a Kommo one: the domain is where both sides meet. A test holds these rules.

pub mod app;
pub mod breaker;
pub mod clock;
pub mod config;
pub mod domain;
pub mod files;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod invite;
pub mod kommo;
pub mod lenient;
pub mod lifecycle;
pub mod media;
pub mod metrics;
pub mod net;
pub mod operate;
pub mod rate_limit;
pub mod relay;
pub mod sandbox;
pub mod serve;
pub mod store;
pub mod telegram;
pub mod translate;
pub mod words;
