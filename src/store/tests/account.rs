use super::*;

#[tokio::test]
async fn facts_belong_to_one_account() {
    let home = Home::new();
    let store = home.open();
    let (here, there) = ("https://a.kommo.com", "https://b.kommo.com");
    assert_eq!((store.account(here).unwrap(), store.account_facts(here).unwrap()), (None, AccountFacts::default()));
    store.remember_account(here, "an-id", AccountFacts::default()).await.unwrap();
    assert_eq!(store.account_facts(here).unwrap(), AccountFacts::default());
    let facts = AccountFacts { language: Some("ru".to_owned()), country: Some("RU".to_owned()) };
    store.remember_account(here, "an-id", facts.clone()).await.unwrap();
    assert_eq!(store.account(here).unwrap().as_deref(), Some("an-id"));
    assert_eq!(store.account_facts(here).unwrap(), facts);
    assert_eq!((store.account(there).unwrap(), store.account_facts(there).unwrap()), (None, AccountFacts::default()));
}
