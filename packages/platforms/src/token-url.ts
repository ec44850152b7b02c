import type { FetchLike } from '@credence/protocol';
import { z } from 'zod';
import { textFromPlatform, urlFault } from './http.ts';
import { jwtFrom } from './jwt.ts';
import { checkOptions, fetchFunction, invalidOption, jsonField, milliseconds, text } from './options.ts';
import type { Platform } from './platform.ts';

/** Options of `tokenUrl`. */
export interface TokenUrlOptions {
  /**
   * The URL that answers GET with a token: https, or http on loopback. `{audience}` in it is replaced with the requested audience;
   * without it the audience is the one that the service chooses.
   */
  url: string;
  /** Header fields of the request. Their values are treated as secrets. */
  headers?: Readonly<Record<string, string>>;
  /** The member of the JSON answer that contains the token, or the names on the way to it. Default: the answer is the token. */
  field?: string | readonly string[];
  /** Whether the service issues new tokens while the program runs. Default: true. */
  renewable?: boolean;
  /** The time limit of a request, in milliseconds. Default: 5000. */
  timeoutMs?: number;
  /** Sends the requests. Default: the global fetch. */
  fetch?: FetchLike;
}

const PLATFORM = 'tokenUrl';
const AUDIENCE = '{audience}';
const schema = z.strictObject({
  url: text,
  headers: z.record(text, z.string()).optional(),
  field: jsonField,
  renewable: z.boolean().optional(),
  timeoutMs: milliseconds,
  fetch: fetchFunction,
});

/**
 * A service that answers a GET request with a JWT, such as an agent on this machine. Follows no redirect. Throws
 * `invalid_configuration` for a URL that is neither https nor on loopback, because the token and the headers would be sent in clear.
 *
 * @example
 * <!-- from examples/token-sources.ts#url -->
 * ```ts
 * const fromUrl = tokenUrl({ url: `${agent.origin}/token`, headers: { 'x-agent': 'yes' }, field: 'token' });
 * ```
 */
export function tokenUrl(options: TokenUrlOptions): Platform {
  checkOptions(PLATFORM, schema, options);
  const { url, headers = {}, field, renewable = true, timeoutMs, fetch } = options;
  const fault = urlFault(url.replaceAll(AUDIENCE, 'x'));
  if (fault !== undefined) throw invalidOption(PLATFORM, `url: ${fault}`, Object.keys(schema.shape));
  if (new URL(url.replaceAll(AUDIENCE, 'x')).origin !== new URL(url.replaceAll(AUDIENCE, 'y')).origin) {
    throw invalidOption(PLATFORM, 'url: {audience} is in the name of the host', Object.keys(schema.shape));
  }
  checkHeaders(headers);
  const choosesAudience = url.includes(AUDIENCE);
  const remedy = () => 'Check the URL, the headers and the field of tokenUrl, and that the service runs.';
  return {
    platform: PLATFORM,
    audience: choosesAudience ? 'any' : 'fixed',
    renewable,
    local: false,
    claims: { iss: 'the issuer of the JWT that the URL answers', sub: 'the subject of that JWT' },
    async getToken({ audience, signal }) {
      const answer = await textFromPlatform({
        platform: PLATFORM,
        url: url.replaceAll(AUDIENCE, encodeURIComponent(audience)),
        headers,
        field,
        fetch,
        timeoutMs,
        signal,
        remedy,
      });
      const from = field === undefined ? 'the answer of the URL' : 'the field in the answer of the URL';
      const requested = choosesAudience ? audience : undefined;
      return jwtFrom(answer, { platform: PLATFORM, from, remedy: remedy(), audience: requested });
    },
    detect: async () => ({ here: true }),
  };
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  try {
    for (const [name, value] of Object.entries(headers)) new Headers().set(name, value);
  } catch {
    // The message of the error contains the value.
    throw invalidOption(PLATFORM, 'headers: a name or a value is not valid in HTTP', Object.keys(schema.shape));
  }
}
