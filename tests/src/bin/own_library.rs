//! A program whose one service is in the library beside it, which it does not name.

hostkit::main!();
