//! How the updates of a bot are shared with the owner's programs, from the configuration.

use crate::{
    clock,
    config::Config,
    domain::address::SourceId,
    intake::poller::Sharing,
    store::{ServedProgram, Store, StoreError},
};

/// Makes the store keep updates for the programs of this configuration, and for no others.
pub(super) async fn serve(config: &Config, store: &Store) -> Result<(), StoreError> {
    let served = |(name, program): (&String, &crate::config::Program)| {
        (name.clone(), ServedProgram { bot: program.secret.bot_id(), quiet: program.quiet })
    };
    store.serve_programs(config.programs.iter().map(served).collect(), clock::now()).await
}

/// How the updates of a source's bot are shared; `None` if no program shares it.
pub(super) fn of(config: &Config, source: &SourceId) -> Option<Sharing> {
    let of_source = config.programs.values().filter(|program| program.source == *source);
    let hide: Vec<_> = of_source.clone().flat_map(|program| program.hide.clone()).collect();
    let campaigns = config.campaigns.keys().cloned().collect();
    (of_source.count() > 0).then_some(Sharing { hide, campaigns, max_bytes: config.gateway.max_bytes })
}
