//! All sentences with their placeholders, as functions that build [`crate::words::Sentence`]s.

/// Declares the sentences of each section, each as a function of the values of its placeholders.
macro_rules! sentences {
    ($($(#[$meta:meta])* $section:ident { $($name:ident($($place:ident),*);)* })*) => {
        $($(#[$meta])* pub mod $section {
            $(
                #[doc = concat!("`", stringify!($name), "` of the section `", stringify!($section), "`.")]
                #[must_use]
                pub fn $name($($place: impl Into<$crate::words::PlaceholderValue>),*) -> $crate::words::Sentence {
                    let name = concat!(stringify!($section), ".", stringify!($name));
                    $crate::words::Sentence::known(name, vec![$((stringify!($place), $place.into())),*])
                }
            )*
        })*

        /// All sentences, with the names of their places.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &[&str])] =
            &[$($((concat!(stringify!($section), ".", stringify!($name)), &[$(stringify!($place)),*]),)*)*];
    };
}

sentences! {
    /// Why an answer did not arrive, or may not have. Managers read it below the answer.
    refusal {
        blocked(); deactivated(); group_deleted(); removed(); not_connected(); may_not_answer(); not_recent();
        frozen(); no_chat(); is_bot(); premium_only(); payment(); privacy(); spam(); slow_mode(); no_albums();
        no_voice(); no_video_messages(); may_not_send(what); may_not_write(); topic_closed(); empty();
        too_long(); file_too_big(); file_is_empty(); picture_too_large(); wrong_file(); bad_buttons();
        bad_contact(); bad_place(); answered_is_gone(); message_is_gone(); cannot_be_changed();
        no_such_reaction(); protected(); moved(); unknown(why); file_refused(why); wait(time); gave_up(why);
        failed(why); too_late(); perhaps_too_late(); connection_broke(); stopped(); internal(); told_late();
        bridge_was_down(); part(part, parts, sentence); text_arrived(); rest_arrived(); no_connection();
        way_unknown(); only_reads(); no_bot(); no_bot_for(source); unknown_conversation();
        cannot_write_first(); no_addressee(); number_unknown(); open_one_of_the_bots(); open_the_bot(link);
        open_the_bot_named(source); which_bot(); two_customers(); several_customers(); not_without_file(kind);
        text_too_long(); nothing_to_send(); file_empty(); file_not_given(why); file_too_large(size, limit);
        file_larger_than(limit); server_takes_no_file_of(size); server_takes_no_file(); file_nowhere();
        file_elsewhere(host); file_in_circles(); file_gone(status);
    }

    /// What a bot may not send, in the sentence `may_not_send` of `refusal`.
    what {
        texts(); photos(); videos(); video_messages(); voice_messages(); music(); files(); stickers();
        contacts(); places();
    }

    /// Kinds of messages and files, as words in brackets.
    kind {
        picture(); video(); voice(); audio(); sticker(); file(); location(); contact();
    }

    /// Counted things. The number decides the plural form.
    count {
        days(n); hours(n); minutes(n); in_minutes(n); seconds(n); months(n); stars(n); boosts(n); votes(n);
        voters(n); winners(n); unclaimed_prizes(n);
    }

    /// The default texts that ask customers for their phone number.
    phone {
        ask(); button(); thanks();
    }

    /// Messages of their own to managers in a chat.
    notice {
        blocked(); unblocked(); removed(); added(); window_ends(time);
    }

    /// Notes of contacts and leads for managers.
    note {
        chat_moved(contact);
    }

    /// Telegram messages that Kommo has no kind for. Managers read the description in brackets, or as part of the
    /// message.
    described {
        edited(); deleted(); file(kind, name); file_of(kind, name, size); kilobytes(n); megabytes(n);
        too_large(file, limit); not_in_the_export(); too_large_to_import(); undescribed(); somebody();
        forwarded_from(author); copy(); via(bot); one_of(count); empty_message(); message(); button();
        story_of(author); photo(); live_photo(); animation(); video(); video_note(); voice(); audio();
        document(); sticker(); location(); venue(); contact(); poll(); quiz(); checklist(); dice(); game();
        story(); invoice(); paid_media(); gift(); giveaway(); rich_message(); joined(); left(); owner_left();
        next_owner(name); new_owner(); boosted(); topic_created(); topic_changed(); topic_closed();
        topic_reopened(); general_hidden(); general_shown(); video_chat_scheduled(); video_chat_started();
        video_chat_ended(); invited_to_video_chat(); post_approved(); published_on(date); post_not_approved();
        post_declined(); post_paid(); post_refunded(); post_deleted(); chat_photo_changed();
        chat_photo_removed(); group_created(); supergroup_created(); channel_created(); became_supergroup();
        renamed(); pinned(); background_changed(); auto_delete(); deleted_after(time); turned_off();
        gift_upgrade(); unique_gift(); worth(price); model(name); symbol(name); backdrop(name);
        giveaway_created(); giveaway_completed(); giveaway_winners(); premium_for(time); prize(prizes);
        chosen_on(date); chats_to_join(chats); canceled_and_refunded(); option_added(); option_deleted();
        tasks_added(); correct(); open_until(date); closed(); several_answers(); explanation(text);
        task(number); payment(); payment_refunded(); order(order); subscription_until(date);
        direct_messages(); messages(); free(); each(price); paid_media_for(price); not_paid_for();
        shared_contacts(); shared_chat(); web_app(); passport(); proximity();
        is_within(traveler, distance, watcher); logged_in(); write_allowed(); from_web_app(name); from_menu();
        when_asked(); bot_created(); of(author); map(); community_added(); community_joined();
        community_removed(); published_by(chat); bought_for(price); only_in(countries); added_by(who);
        subscription(); active_again(); payment_failed(); canceled(); collage(); slideshow(); voice_note();
        link();
    }

    /// Parts of a Telegram Passport.
    passport {
        personal_details(); passport(); driver_license(); identity_card(); internal_passport(); address();
        utility_bill(); bank_statement(); rental_agreement(); passport_registration();
        temporary_registration(); phone_number(); email();
    }
}
