//! `/console/settings`: what holds on this server, and where it comes from. Nothing is changed here.

use menjin_domain::access::rights::SettingsRead;

use crate::pages::navigation;
use crate::pages::parts::Item;
use crate::pages::visitor::Visitor;
use crate::prelude::*;

pub(super) fn endpoints() -> [Endpoint; 1] {
    [Endpoint::hidden(Method::GET, "/console/settings", show)]
}

const WHAT: Text = Text {
    zh: "以下设置在服务器启动时读取，只能在配置文件或环境变量中修改。密钥和密码不会显示。",
    en: "These were read when the server started. They are changed in its files and environment variables only. \
         Secrets are not shown.",
};

async fn show(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    visitor.allowed::<SettingsRead>(&api, client.0)?;
    let mut page = visitor.page(navigation::SETTINGS).saying(WHAT);
    let said = |text: Text| text.in_locale(visitor.locale);
    let default = said(Text { zh: "默认值", en: "the default" });
    page.items = api
        .settings
        .shown
        .iter()
        .map(|setting| {
            let origin = setting.origin.as_deref().unwrap_or(default);
            let from = said(Text { zh: "来源：", en: "From: " });
            let details = vec![setting.value.clone(), format!("{from}{origin}")];
            Item { title: setting.name.clone(), details, ..Item::default() }
        })
        .collect();
    page.respond()
}
