use hostkit::Ext;

#[hostkit::singleton]
struct Orders {
    #[inject(default = Ext::new(String::new()))]
    #[key("eu")]
    name: Ext<String>,
}

fn main() {}
