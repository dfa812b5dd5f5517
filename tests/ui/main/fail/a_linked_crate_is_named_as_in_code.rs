hostkit::main!(link("ui-support"));
