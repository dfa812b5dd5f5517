use ui_support::Mailer;

#[hostkit::singleton(as = dyn Mailer)]
struct Post<T: Send + Sync + 'static> {
    #[inject(default)]
    letter: std::marker::PhantomData<T>,
}

impl<T: Send + Sync + 'static> Mailer for Post<T> {}

fn main() {}
