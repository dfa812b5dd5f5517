use std::sync::Arc;

macro_rules! ladder {
    ($last:ident) => {
        #[hostkit::scoped]
        struct $last {}
    };
    ($top:ident $next:ident $($rest:ident)*) => {
        #[hostkit::scoped]
        struct $top {
            left: Arc<$next>,
            right: Arc<$next>,
        }
        ladder!($next $($rest)*);
    };
}

ladder!(A B C D E F G H I J K L M N O P Q R S T U V W X Y Z);

#[hostkit::periodic(every = "1h")]
async fn report(top: &A) {
    let _ = (&top.left.left, &top.right.right);
}

pub(crate) fn main() {
    hostkit::Host::empty().with::<report>();
}
