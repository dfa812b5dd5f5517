hostkit::main!(link = ui_support);
