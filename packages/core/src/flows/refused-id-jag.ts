import { CredenceError } from '../errors/credence-error.ts';

/** Where an ID-JAG came from, and for whom. */
export interface IdJagContext {
  readonly idpIssuer: string;
  readonly server: string;
  /** The user for whom the bot acts, for the message. Undefined: the ID-JAG is for the bot itself. */
  readonly user: string | undefined;
}

/** The error for an ID-JAG whose subject or actor is wrong. */
export function refusedIdJag({ idpIssuer, server, user }: IdJagContext, why: string, remedy?: string): CredenceError {
  const whose = user === undefined ? '' : ` and ${user}`;
  return new CredenceError({
    code: 'invalid_id_jag',
    leg: 'exchange',
    message: `The ID-JAG that ${idpIssuer} issued for server "${server}"${whose} was not used: ${why}.`,
    remedy:
      remedy ??
      'Ask how the IdP chooses the subject and the actor of an ID-JAG; another answer may have been mixed up with this one.',
    contact: 'idp-admin',
    server,
    issuer: idpIssuer,
  });
}
