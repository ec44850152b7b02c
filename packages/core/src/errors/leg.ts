/**
 * Where in the life of a token something happened.
 *
 * - `configure`: what the user gave us
 * - `discover`: metadata of the MCP server, its authorization server and the IdP
 * - `authenticate`: the principal's own token at the IdP (`client_credentials`)
 * - `exchange`: subject token for an ID-JAG at the IdP (RFC 8693)
 * - `redeem`: ID-JAG for an access token at the resource authorization server (RFC 7523); also the one request of the
 *   flows that go to that server without an IdP
 * - `call`: the request to the MCP server
 */
export type Leg = 'configure' | 'discover' | 'authenticate' | 'exchange' | 'redeem' | 'call';

/** Who can mend it: whoever runs the bot, the IdP's administrator, or the owner of the MCP server (and its AS). */
export type Contact = 'you' | 'idp-admin' | 'server-owner';
