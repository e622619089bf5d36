use super::*;

#[tokio::test]
async fn what_the_account_told_is_its_own() {
    let home = Home::new();
    let store = home.open();
    let (here, there) = ("https://a.kommo.com", "https://b.kommo.com");
    assert_eq!((store.account(here).unwrap(), store.account_language(here).unwrap()), (None, None));
    store.remember_account(here, "an-id", None).await.unwrap();
    assert_eq!(store.account_language(here).unwrap(), None);
    store.remember_account(here, "an-id", Some("ru")).await.unwrap();
    assert_eq!(store.account(here).unwrap().as_deref(), Some("an-id"));
    assert_eq!(store.account_language(here).unwrap().as_deref(), Some("ru"));
    assert_eq!((store.account(there).unwrap(), store.account_language(there).unwrap()), (None, None));
}
