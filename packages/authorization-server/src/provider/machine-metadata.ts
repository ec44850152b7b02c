import type Provider from 'oidc-provider';
import { responseTypes } from '../grant/metadata.ts';
import { extendAnswers } from './extend-answers.ts';

/** Sent with every metadata request of the MCP SDKs (MCP, 2025-06-18). */
const PROTOCOL_VERSION = 'MCP-Protocol-Version';

/** Members for requests that a browser sends from a sign-in page. */
const FOR_SIGN_IN = ['authorization_endpoint', 'pushed_authorization_request_endpoint', 'response_modes_supported'];

/**
 * Changes the metadata of an oidc-provider without response types, at which nobody signs in: the endpoints of a sign-in are not
 * in it (RFC 8414 section 2: `authorization_endpoint` is not required without a grant that uses it), and
 * `response_types_supported` is `none` in place of an empty list (required, and never empty by RFC 8414 section 3.2).
 *
 * The MCP SDKs refuse metadata without `authorization_endpoint`. Their requests have the header MCP-Protocol-Version and get the
 * member, so that a client with an SDK can redeem ID-JAGs here.
 */
export function describeMachineProvider(provider: Provider): void {
  extendAnswers(provider, 'discovery', (body, ctx) => {
    const { response_types_supported: types } = body;
    if (Array.isArray(types) && types.length > 0) return { ...body };
    ctx.vary(PROTOCOL_VERSION);
    const isForSdk = ctx.get(PROTOCOL_VERSION) !== '';
    const members = Object.entries(body).filter(
      ([name]) => !FOR_SIGN_IN.includes(name) || (isForSdk && name === 'authorization_endpoint'),
    );
    return { ...Object.fromEntries(members), response_types_supported: responseTypes({}) };
  });
}
