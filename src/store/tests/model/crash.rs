//! The process ends in the middle of what is under way.

use std::{fs, path::Path};

use super::{pair::UnderWay, *};

impl Pair {
    /// Begins all of `acts`, waits until some are acknowledged, and goes on with what the disk held at that moment. The
    /// copy is made while the store writes: of what is not synced yet it has what a cut may leave, and all that is.
    pub(super) async fn crash(&mut self, acts: Vec<Act>, acknowledged: u8) {
        let mut may_be = vec![self.model.clone()];
        let mut under_way: Vec<UnderWay> = Vec::new();
        for act in acts {
            let Some(mut change) = self.begin(act) else { continue };
            may_be.push(self.model.clone());
            // The first look asks for it.
            match futures_util::poll!(change.as_mut()) {
                std::task::Poll::Ready(()) => under_way.push(Box::pin(async {})),
                std::task::Poll::Pending => under_way.push(change),
            }
        }
        let acknowledged = usize::from(acknowledged) % may_be.len();
        let mut under_way = under_way.into_iter();
        for change in under_way.by_ref().take(acknowledged) {
            change.await;
        }
        let image = Home::new();
        copy(self.home.0.path(), image.0.path());
        drop(under_way);
        self.leases.clear();
        self.store.clone().close().await.unwrap();
        (self.store, self.home) = (image.open(), image);
        self.go_on_as_one_of(may_be, acknowledged);
    }

    /// The store holds what was acknowledged, and of the rest the first changes, each as a whole.
    fn go_on_as_one_of(&mut self, may_be: Vec<Model>, acknowledged: usize) {
        let is = Seen::of(&self.store);
        let may_be: Vec<_> = may_be.into_iter().skip(acknowledged).collect();
        let Some(model) = may_be.iter().find(|model| model.seen() == is) else {
            panic!("after {acknowledged} acknowledged changes there is {is:#?}, and not one of {may_be:#?}");
        };
        self.model = model.clone();
        self.model.reopen();
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}
