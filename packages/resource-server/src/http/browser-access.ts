import { type BrowserAccess, type BrowserAccessOptions, createBrowserAccess } from '@credence/protocol';
import { jsonRpcError } from './json-rpc-errors.ts';

const FORBIDDEN = jsonRpcError(-32_000, 'Forbidden: requests of this page, or for this host, are not accepted');

/**
 * Decides which web pages may call an MCP server. Use it before every other handler, so that it also answers the preflights of
 * browsers, which have no access token. A page of another origin gets 403 (MCP: servers must validate `Origin`). Pages of an
 * allowed origin may send the headers of MCP and DPoP, and may read `WWW-Authenticate` and `Mcp-Session-Id`.
 *
 * Throws a TypeError for invalid options.
 */
export function browserAccess(options: BrowserAccessOptions = {}): BrowserAccess {
  return createBrowserAccess('browserAccess', options, FORBIDDEN);
}
