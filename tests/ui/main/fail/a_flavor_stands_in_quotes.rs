hostkit::main!(flavor = current_thread);
