import {
  cleanText,
  isJsonObject,
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_ID_TOKEN,
  TOKEN_TYPE_JWT,
  TOKEN_TYPE_REFRESH_TOKEN,
  TOKEN_TYPE_SAML2,
  waitFor,
} from '@credence/protocol';
import { nonEmpty, unavailable } from '../credentials/checks.ts';
import { CredenceError } from '../errors/credence-error.ts';
import type { SubjectTokenRotation, SubjectTokenSource } from './subject.ts';

/** The type of a user's token: a name of RFC 8693 section 3 without its prefix, or a whole token type URI. */
export type UserTokenType = 'id_token' | 'access_token' | 'jwt' | 'saml2' | `urn:${string}`;

/** A user's token with its type. */
export interface UserToken {
  /** The token, which is a secret. */
  readonly token: string;
  /** The type, which becomes `subject_token_type`. */
  readonly type: UserTokenType;
}

/** Returns the user's token, with or without its type. The type is never guessed from the token. */
export type UserTokenGetter = (context: {
  readonly signal: AbortSignal;
}) => string | UserToken | Promise<string | UserToken>;

export interface TypedToken {
  readonly token: string;
  /** The `subject_token_type`. */
  readonly type: string;
}

/** Where the tokens of one user come from. */
export interface UserTokenSource {
  readonly rotation?: SubjectTokenRotation | undefined;
  get(context: { readonly signal: AbortSignal }): Promise<TypedToken>;
}

const TYPES: Readonly<Record<string, string>> = {
  id_token: TOKEN_TYPE_ID_TOKEN,
  access_token: TOKEN_TYPE_ACCESS_TOKEN,
  jwt: TOKEN_TYPE_JWT,
  saml2: TOKEN_TYPE_SAML2,
};

/** The token type URI. Undefined for a value that is no type of a user's token. */
export function tokenTypeOf(type: unknown): string | undefined {
  if (typeof type !== 'string') return undefined;
  const known = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  return known ?? (/^urn:[\w:.()+,=@;$!*'%/?#-]{1,200}$/u.test(type) ? type : undefined);
}

/** Whether the value is a source such as `fromIdToken(getter)`. */
export function isSubjectTokenSource(value: unknown): value is SubjectTokenSource {
  return typeof value === 'object' && value !== null && 'get' in value && 'type' in value;
}

/** The tokens of a getter of the application. `defaultType`: the type of a token that the getter returns without one. */
export function fromUserTokenGetter(getter: UserTokenGetter, defaultType: string): UserTokenSource {
  return {
    async get({ signal }) {
      let read: { token: string; type: unknown };
      try {
        // A getter that ignores its signal must not delay the callers that wait for the token.
        const returned: unknown = await waitFor(Promise.resolve(getter({ signal })), signal);
        const { token, type } = isJsonObject(returned) ? returned : { token: returned, type: defaultType };
        read = { token: nonEmpty(token, 'onBehalfOf(getter)').trim(), type };
      } catch (cause) {
        if (signal.aborted) throw signal.reason;
        throw unavailable('The token of onBehalfOf(getter)', cause);
      }
      return { token: read.token, type: typeOf(read.type) };
    },
  };
}

/** The tokens of a source such as `fromIdToken(getter)`. A source that requests tokens of the bot cannot be one. */
export function fromSource(source: SubjectTokenSource): UserTokenSource {
  const clientCredentials = () => Promise.reject(notOfUser(source.kind));
  const target = { issuer: '', tokenEndpoint: () => Promise.reject(notOfUser(source.kind)) };
  return {
    rotation: source.rotation,
    async get({ signal }) {
      const { token } = await source.get({ signal, clientCredentials, target, nowMs: () => Date.now() });
      return { token, type: source.type };
    },
  };
}

/** The error for a source whose tokens are those of the bot. */
export function notOfUser(kind: string): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `${cleanText(kind, { max: 60 })} cannot be the source of onBehalfOf: its tokens are those of the bot, not of a user.`,
    remedy:
      'Pass a function that returns the token of the user, or fromIdToken, fromWorkloadToken or fromRefreshToken.',
    contact: 'you',
  });
}

/** The type of a token. A refresh token needs `fromRefreshToken`, because the IdP may replace it with each use. */
export function typeOf(type: unknown): string {
  const uri = tokenTypeOf(type);
  if (uri !== undefined && uri !== TOKEN_TYPE_REFRESH_TOKEN) return uri;
  throw new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message:
      uri === undefined
        ? 'The type of the token of onBehalfOf is not a token type (RFC 8693 section 3).'
        : 'The token of onBehalfOf has the token type of a refresh token.',
    remedy:
      uri === undefined
        ? `Use ${Object.keys(TYPES).join(', ')} or the URI of another type.`
        : 'Pass fromRefreshToken(getter, { onRotated }) to onBehalfOf: the IdP may replace a refresh token with each use.',
    contact: 'you',
  });
}
