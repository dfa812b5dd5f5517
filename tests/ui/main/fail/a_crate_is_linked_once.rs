hostkit::main!(link(ui_support, ui_support));
