import { isNormalResource, sameResource, stringList } from '@credence/protocol';
import { CredenceError } from '../errors/credence-error.ts';
import type { Contact, Leg } from '../errors/leg.ts';
import { namedUrl } from '../net/named-url.ts';
import type { TokenAnswer } from '../oauth/token-endpoint.ts';

interface ErrorContext {
  readonly leg: Leg;
  readonly contact: Contact;
  readonly server: string;
  readonly issuer: string;
}

/**
 * Whether a peer names the expected resource: in the expected spelling, or in the normal form of it. Another spelling is not accepted,
 * because programs that compare strings would take it for another resource.
 */
export function namesResource(value: string, expected: string): boolean {
  return value === expected || (sameResource(value, expected) && isNormalResource(value));
}

/**
 * Checks the `resource` of the exchange response (draft-ietf-oauth-identity-assertion-authz-grant section 4.3.4): exactly the requested
 * resource, once, and the same as in the claim. Older IdPs send none, so a response without it is accepted. Throws
 * `resource_mismatch`.
 */
export function checkExchangeResource(
  answer: TokenAnswer,
  resource: string,
  { claimed }: { claimed: boolean },
  context: ErrorContext,
): void {
  const echoed = answer.body['resource'] ?? undefined;
  if (echoed === undefined) return;
  const [first, ...others] = stringList(echoed) ?? [];
  if (first === undefined || others.length > 0 || !namesResource(first, resource)) {
    throw otherResource(answer, echoed, resource, context);
  }
  if (claimed) return;
  throw new CredenceError({
    ...context,
    code: 'resource_mismatch',
    message: `${context.issuer} answered with the resource ${namedUrl(first, answer)}, which the ID-JAG does not name.`,
    remedy:
      'Ask for the IdP to be corrected: the resource of the response and the claim of the ID-JAG must be the same.',
  });
}

/**
 * Checks the `resource` of the response that contains the access token (section 4.4.2): it names the requested resource and no other.
 * The claim of the ID-JAG names the same, so this is also within the claim. Older authorization servers send none, so a response
 * without it is accepted. Throws `resource_mismatch`.
 */
export function checkTokenResource(answer: TokenAnswer, resource: string, context: ErrorContext): void {
  const echoed = answer.body['resource'] ?? undefined;
  if (echoed === undefined) return;
  const values = stringList(echoed) ?? [];
  if (values.length > 0 && values.every((value) => namesResource(value, resource))) return;
  throw otherResource(answer, echoed, resource, context);
}

function otherResource(answer: TokenAnswer, echoed: unknown, resource: string, context: ErrorContext): CredenceError {
  return new CredenceError({
    ...context,
    code: 'resource_mismatch',
    message: `${context.issuer} answered with a token for another resource than "${resource}": ${namedUrl(echoed, answer)}.`,
    remedy: `Check servers.${context.server}.url and the resource that is registered for it at ${context.issuer}; only exactly this resource is accepted.`,
  });
}

/** Throws unless the token type is DPoP for a request with a DPoP proof, and Bearer for a request without one. */
export function checkTokenType(answer: TokenAnswer, bound: boolean, context: ErrorContext): 'Bearer' | 'DPoP' {
  const expected = bound ? 'dpop' : 'bearer';
  if (answer.tokenType === expected) return bound ? 'DPoP' : 'Bearer';
  throw new CredenceError({
    ...context,
    code: 'invalid_response',
    message: `${context.issuer} answered with a token of another type than "${expected}", but "${expected}" was requested.`,
    remedy: bound
      ? `Ask for DPoP to be enabled for this client, or remove servers.${context.server}.dpop.`
      : `If that authorization server issues only DPoP-bound tokens, set servers.${context.server}.dpop.`,
  });
}
