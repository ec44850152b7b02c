import {
  type BrowserAccess,
  type BrowserAccessOptions,
  createBrowserAccess,
  type ExpressErrorHandler,
  jsonErrorHandler,
  type RequestFault,
} from '@credence/protocol';

/** Options of {@link oauthErrors}. */
export interface OauthErrorsOptions {
  /** Gets each error that is not the client's, for your log. Default: none. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

const ERRORS: Readonly<Record<RequestFault, { error: string; error_description: string }>> = {
  too_large: { error: 'invalid_request', error_description: 'the body is too large' },
  malformed: { error: 'invalid_request', error_description: 'the body cannot be read' },
  unsupported: { error: 'invalid_request', error_description: 'the encoding of the body is not supported' },
  failure: { error: 'server_error', error_description: 'the request failed' },
};

/**
 * An error handler for Express that answers with an OAuth error (RFC 6749 section 5.2): 413 for a body that is too large, 400
 * for one that cannot be read, 500 for a failure. Add it after all routes. Without it, Express answers with an HTML page,
 * which in development contains the stack of the error.
 */
export function oauthErrors(options: OauthErrorsOptions = {}): ExpressErrorHandler {
  return jsonErrorHandler((fault) => ERRORS[fault], options.onFailure);
}

const FORBIDDEN = {
  error: 'invalid_request',
  error_description: 'requests of this page, or for this host, are not accepted',
};

/**
 * Decides which web pages may call an authorization server. Use it before every other handler, so that it also answers the
 * preflights of browsers. A page of another origin gets 403. Pages of an allowed origin may send the headers of OAuth and
 * DPoP, and may read `WWW-Authenticate` and `DPoP-Nonce`.
 *
 * Throws a TypeError for invalid options.
 */
export function oauthBrowserAccess(options: BrowserAccessOptions = {}): BrowserAccess {
  return createBrowserAccess('oauthBrowserAccess', options, FORBIDDEN);
}
