//! What the programs of the course share.
