/**
 * One of the steps from the configuration to a call.
 *
 * - `configure`: the options are checked
 * - `discover`: the metadata of the MCP server, its authorization server and the IdP is fetched
 * - `authenticate`: the IdP issues the principal's own token (`client_credentials`)
 * - `exchange`: the IdP exchanges the subject token for an ID-JAG (RFC 8693)
 * - `redeem`: the authorization server of the MCP server issues an access token for the ID-JAG (RFC 7523); also the only token
 *   request of the flows `client-credentials` and `workload-identity`
 * - `call`: the request is sent to the MCP server
 */
export type Leg = 'configure' | 'discover' | 'authenticate' | 'exchange' | 'redeem' | 'call';

/**
 * Who can correct the cause of an error: `you` is the operator of the bot, `idp-admin` the administrator of the IdP,
 * `server-owner` the owner of the MCP server and its authorization server.
 */
export type Contact = 'you' | 'idp-admin' | 'server-owner';
