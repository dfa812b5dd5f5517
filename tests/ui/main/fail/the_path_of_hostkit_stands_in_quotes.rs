hostkit::main!(crate = hostkit);
