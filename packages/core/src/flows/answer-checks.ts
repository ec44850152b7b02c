import { identifier, stringList } from '@credence/protocol';
import { CredenceError } from '../errors/credence-error.ts';
import type { Contact, Leg } from '../errors/leg.ts';
import type { TokenAnswer } from '../oauth/token-endpoint.ts';

interface Whose {
  readonly leg: Leg;
  readonly contact: Contact;
  readonly server: string;
  readonly issuer: string;
}

/** An answer may say which resource its token is for (draft -05 of the ID-JAG): another one is refused. */
export function checkResourceEcho(answer: TokenAnswer, resource: string, whose: Whose): void {
  const echoed = answer.body['resource'];
  if (echoed === undefined || stringList(echoed)?.includes(resource)) return;
  throw new CredenceError({
    ...whose,
    code: 'resource_mismatch',
    message: `${whose.issuer} answered with a token for another resource than "${resource}": ${identifier(echoed, answer)}.`,
    remedy: `Check servers.${whose.server}.url and how its resource is registered there.`,
  });
}

/** An access token is Bearer, or DPoP where a key was proved: a bound token without our key, or none where asked, is no use. */
export function checkTokenType(answer: TokenAnswer, bound: boolean, whose: Whose): 'Bearer' | 'DPoP' {
  const expected = bound ? 'dpop' : 'bearer';
  if (answer.tokenType === expected) return bound ? 'DPoP' : 'Bearer';
  throw new CredenceError({
    ...whose,
    code: 'invalid_response',
    message: `${whose.issuer} answered with a token of type ${identifier(answer.tokenType, { max: 40, secrets: answer.secrets })} where "${expected}" was asked for.`,
    remedy: bound
      ? `Ask for DPoP to be enabled for this client there, or take servers.${whose.server}.dpop out.`
      : `If that server binds its tokens, set servers.${whose.server}.dpop.`,
  });
}
