import { cleanText, TOKEN_TYPE_ID_TOKEN } from '@credence/protocol';
import { z } from 'zod';
import { CredenceError } from '../errors/credence-error.ts';
import type { UserSettings } from '../flows/user-session.ts';
import type { IdpSettings } from '../settings/settings.ts';
import type { SubjectTokenSource } from '../subjects/subject.ts';
import {
  fromSource,
  fromUserTokenGetter,
  isSubjectTokenSource,
  notOfUser,
  tokenTypeOf,
  typeOf,
  type UserTokenGetter,
  type UserTokenSource,
  type UserTokenType,
} from '../subjects/user-token.ts';
import { checkRunId, type RunId } from '../telemetry/run-id.ts';

/** Options of `ServicePrincipal.onBehalfOf`. */
export interface OnBehalfOfOptions {
  /**
   * The key of the user in the application, such as an account id: stable, and of one user only. Access tokens are cached by it. It is not
   * trusted to be the subject: the subjects of the user's tokens are compared, and `subject_changed` is thrown if they differ. One user needs
   * one identity: if the IdP gives two identities with different tokens the same subject, both are refused. It is in events and audit
   * records as `user`; above 128 characters there, it is cut and ends with a hash of the whole. At most 512 characters, without control
   * and invisible ones and without white space at its ends; it is written to logs, so it must not be a token.
   */
  identity: string;
  /** The type of a token that the getter returns as a string. It is never guessed from the token. Default `id_token`. */
  type?: UserTokenType | undefined;
  /**
   * How the IdP knows that the bot acts for the user. `token` (default): the exchange contains a token of the bot as `actor_token` (RFC 8693
   * section 2.1): that of `idp.actor`, or else that of `idp.subject`. `client`: it contains none, for IdPs that take the actor from the client that
   * sends the request.
   */
  actor?: 'token' | 'client' | undefined;
  /**
   * What happens if an ID-JAG has no `act` claim, so that the server cannot see that the bot acts for the user: `refuse` it with
   * `invalid_id_jag`, or `warn` by an event and use it. Default `refuse`.
   */
  missingActor?: 'refuse' | 'warn' | undefined;
  /**
   * The id of the run, or a function that returns it for each call. It is in events and audit records, and is sent to the MCP servers in the
   * header `Credence-Run`, which they record as stated by the client. At most 128 visible ASCII characters; other characters of the
   * result of a function are removed. Default: none, and no header.
   */
  run?: RunId | undefined;
}

const MAX_IDENTITY = 512;

const schema = z.strictObject({
  identity: z
    .string({ error: ({ input }) => (input === undefined ? 'is missing' : 'is not a text') })
    .refine((identity) => identity.trim() !== '', { error: 'is empty', abort: true })
    .max(MAX_IDENTITY, { error: `has more than ${MAX_IDENTITY} characters`, abort: true })
    .refine(isPlain, 'has control or invisible characters, or white space at its ends, or is a token'),
  type: z.custom<UserTokenType>((type) => tokenTypeOf(type) !== undefined, 'is not a token type').optional(),
  actor: z.enum(['token', 'client'], { error: "is neither 'token' nor 'client'" }).optional(),
  missingActor: z.enum(['refuse', 'warn'], { error: "is neither 'refuse' nor 'warn'" }).optional(),
  run: z.unknown().optional(),
});

/** Whether the text is the same after it was cleaned, so that events and audit records show it as it is. */
function isPlain(identity: string): boolean {
  return cleanText(identity, { max: MAX_IDENTITY }) === identity;
}

/** The checked options. */
export interface OnBehalfOfSettings extends UserSettings {
  readonly source: UserTokenSource;
  readonly run: RunId | undefined;
}

/** Throws `invalid_configuration` for the first invalid argument of `onBehalfOf`. */
export function onBehalfOfSettings(
  token: UserTokenGetter | SubjectTokenSource,
  options: OnBehalfOfOptions,
  idp: IdpSettings,
): OnBehalfOfSettings {
  const parsed = schema.safeParse(options, { jitless: true });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.map(String).join('.') ?? '';
    if (issue?.code === 'unrecognized_keys') {
      const names = issue.keys.map((key) => `"${cleanText(key, { max: 60 })}"`).join(', ');
      throw wrong(`onBehalfOf has no option ${names}.`, `Remove ${names}, or correct the name; see OnBehalfOfOptions.`);
    }
    if (path === '') {
      throw wrong('The options of onBehalfOf are missing.', 'Pass onBehalfOf(getUserToken, { identity }).');
    }
    throw wrong(
      `onBehalfOf({ ${path} }) ${issue?.message ?? 'is invalid'}.`,
      path === 'identity'
        ? 'Set identity to the key of the user in your application, such as an account id.'
        : `Correct ${path}; see OnBehalfOfOptions.`,
    );
  }
  checkRunId(options.run, 'onBehalfOf({ run })');
  const { identity, type, actor = 'token', missingActor = 'refuse' } = parsed.data;
  const { run } = options;
  if (actor === 'token' && idp.actor === undefined && idp.subject.rotation) {
    throw wrong(
      'The bot has no token that can be the actor_token: its subject token is a refresh token.',
      "Set idp.actor: ownToken(), or actor: 'client' in onBehalfOf if the IdP takes the actor from the client.",
    );
  }
  return { identity, actor, missingActor, run, source: sourceOf(token, type) };
}

function sourceOf(token: UserTokenGetter | SubjectTokenSource, type: UserTokenType | undefined): UserTokenSource {
  if (typeof token === 'function')
    return fromUserTokenGetter(token, type === undefined ? TOKEN_TYPE_ID_TOKEN : typeOf(type));
  if (!isSubjectTokenSource(token)) {
    throw wrong(
      'The first argument of onBehalfOf is neither a function nor a source of tokens.',
      'Pass a function that returns the token of the user, or fromIdToken, fromWorkloadToken or fromRefreshToken.',
    );
  }
  if (token.kind === 'ownToken' || token.issuer !== undefined || token.perTarget === true) throw notOfUser(token.kind);
  if (type !== undefined) {
    throw wrong(
      `onBehalfOf({ type }) has no effect, because ${token.kind} has a type.`,
      'Leave out type, or pass the getter itself to onBehalfOf.',
    );
  }
  return fromSource(token);
}

export function wrong(message: string, remedy: string): CredenceError {
  return new CredenceError({ code: 'invalid_configuration', leg: 'configure', message, remedy, contact: 'you' });
}
