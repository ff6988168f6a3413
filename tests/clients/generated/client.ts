// A client with types generated from /openapi.json: logs in, reads and refreshes. That it compiles
// under --strict is half of the test.

import createClient from "openapi-fetch";

import type { components, paths } from "./schema";

declare const process: { env: Record<string, string | undefined> };

const baseUrl = process.env.MENJIN_URL ?? "";
const client = createClient<paths>({ baseUrl });

const login = await client.POST("/api/v1/auth/login", {
  body: { username: "mike", password: "password123" },
});
if (!login.data) throw new Error(`log-in failed: ${JSON.stringify(login.error)}`);
const token: components["schemas"]["Token"] = login.data;

const me = await client.GET("/api/v1/users/me", {
  headers: { Authorization: `Bearer ${token.access_token}` },
});
if (me.data?.username !== "mike") throw new Error("GET /users/me");
const phone: string | null = me.data.phone;
if (phone !== null) throw new Error("nullable");

const refreshed = await client.POST("/api/v1/auth/refresh", {
  body: { refresh_token: token.refresh_token },
});
if (!refreshed.data?.access_token) throw new Error("refresh");

const refused = await client.GET("/api/v1/users/{user_id}", {
  params: { path: { user_id: 1 } },
  headers: { Authorization: `Bearer ${refreshed.data.access_token}` },
});
if (refused.response.status !== 403 || refused.error === undefined) throw new Error("403");

const envelope = await client.POST("/api/auth/login", {
  body: { username: "student001", password: "password123" },
});
const name: string | undefined = envelope.data?.data.user.name;
if (name !== "张三") throw new Error("the envelope");
