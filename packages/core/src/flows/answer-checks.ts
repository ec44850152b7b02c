import { identifier, stringList } from '@credence/protocol';
import { CredenceError } from '../errors/credence-error.ts';
import type { Contact, Leg } from '../errors/leg.ts';
import type { TokenAnswer } from '../oauth/token-endpoint.ts';

interface ErrorContext {
  readonly leg: Leg;
  readonly contact: Contact;
  readonly server: string;
  readonly issuer: string;
}

/** Throws `resource_mismatch` if the response has a `resource` (draft -05 of the ID-JAG) and it is not the requested one. */
export function checkResourceEcho(answer: TokenAnswer, resource: string, context: ErrorContext): void {
  const echoed = answer.body['resource'];
  if (echoed === undefined || stringList(echoed)?.includes(resource)) return;
  throw new CredenceError({
    ...context,
    code: 'resource_mismatch',
    message: `${context.issuer} answered with a token for another resource than "${resource}": ${identifier(echoed, answer)}.`,
    remedy: `Check servers.${context.server}.url and the resource that is registered for it at ${context.issuer}.`,
  });
}

/** Throws unless the token type is DPoP for a request with a DPoP proof, and Bearer for a request without one. */
export function checkTokenType(answer: TokenAnswer, bound: boolean, context: ErrorContext): 'Bearer' | 'DPoP' {
  const expected = bound ? 'dpop' : 'bearer';
  if (answer.tokenType === expected) return bound ? 'DPoP' : 'Bearer';
  throw new CredenceError({
    ...context,
    code: 'invalid_response',
    message: `${context.issuer} answered with a token of type ${identifier(answer.tokenType, { max: 40, secrets: answer.secrets })}, but "${expected}" was requested.`,
    remedy: bound
      ? `Ask for DPoP to be enabled for this client, or remove servers.${context.server}.dpop.`
      : `If that authorization server issues only DPoP-bound tokens, set servers.${context.server}.dpop.`,
  });
}
