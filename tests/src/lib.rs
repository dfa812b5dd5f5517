//! The library beside the programs of this package, for what is special about such libraries.

mod jobs;
