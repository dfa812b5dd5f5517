hostkit::main!(link(ui_suport));
