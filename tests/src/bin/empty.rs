//! A program without services.

hostkit::main!(link(self = none));
