import { cleanText, redact } from '@credence/protocol';
import { ERROR_CODES, type ErrorCode } from './codes.ts';
import { CredenceError } from './credence-error.ts';
import type { Contact } from './leg.ts';
import type { Refusal } from './oauth-error-response.ts';
import { isRegisteredErrorCode } from './oauth-error-codes.ts';
import { parameterRemedy } from './parameter-remedy.ts';

/** A usual clock tolerance of peers. A larger difference is mentioned in the remedy for a refused token. */
const HARMFUL_SKEW_SECONDS = 30;
/** Some peers have no tolerance for client assertions, which we sign by our clock. A Date header shows a difference of this size. */
const NAMED_SKEW_SECONDS = 2;

/** The longest part of a peer's description that is searched. */
const SEARCHED = 2_000;

interface Wording {
  readonly code: ErrorCode;
  readonly contact: Contact;
  readonly message: string;
  readonly remedy: string;
}

/** The CredenceError for an OAuth error response. The leg and the OAuth error decide message, remedy and contact. */
export function refusal(answer: Refusal): CredenceError {
  const error = isSafeErrorCode(answer) ? answer.error : undefined;
  const wording = withDpopRemedy(
    answer,
    withParameterRemedy(answer, withClockRemedy(answer, wordingFor(answer, error))),
  );
  const errorDescription =
    answer.errorDescription === undefined
      ? undefined
      : cleanText(answer.errorDescription, { secrets: answer.secrets ?? [] });
  return new CredenceError({
    ...wording,
    leg: answer.leg,
    server: answer.server,
    issuer: answer.issuer,
    status: answer.status,
    error,
    errorDescription,
    // A code that is not registered is a word of the peer, which the message leaves out.
    peerText: errorDescription || (error === undefined || isRegisteredErrorCode(error) ? undefined : error),
  });
}

/**
 * The error code becomes a member of the error and a label of metrics, so only a word or a URI is accepted. RFC 6749 section 5.2 also
 * allows spaces: a peer could send a sentence. A code that contains a secret of the request is not accepted either.
 */
function isSafeErrorCode({ error, secrets }: Refusal): boolean {
  return /^[\w.:/#-]{1,64}$/u.test(error) && redact(error, secrets ?? []) === error;
}

function authenticationOf({ authentication }: Refusal): string {
  return authentication === 'signed'
    ? "the client id, the key (its public half and kid as registered there) and the assertion's audience"
    : authentication === 'other'
      ? 'the client id and the kind of authentication'
      : 'the client id, the kind of authentication and the secret';
}

/** If the clocks differ, the difference is the most probable cause of a refused JWT, so the remedy starts with it. */
function withClockRemedy(answer: Refusal, wording: Wording): Wording {
  const { clockSkewSeconds: skew = 0 } = answer;
  const difference = `The clock of ${answer.issuer} is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} ours`;
  if (wording.code === 'invalid_client' && answer.authentication === 'signed') {
    if (Math.abs(skew) < NAMED_SKEW_SECONDS) return wording;
    const remedy = `${difference}, so the client assertion can look ${skew > 0 ? 'expired' : 'not valid yet'}: set the clock of the machine that signs it first. ${wording.remedy}`;
    return { ...wording, contact: 'you', remedy };
  }
  if (answer.error === 'invalid_dpop_proof' && answer.proofSent === true) {
    if (Math.abs(skew) < NAMED_SKEW_SECONDS) return wording;
    const remedy = `${difference}, so the DPoP proof can look ${skew > 0 ? 'too old' : 'not valid yet'}: set the clock of the machine of the bot first. ${wording.remedy}`;
    return { ...wording, contact: 'you', remedy };
  }
  if (wording.code !== 'invalid_grant' || Math.abs(skew) <= HARMFUL_SKEW_SECONDS) return wording;
  return {
    ...wording,
    remedy: `${difference}: check the clocks first, because tokens are valid for minutes. ${wording.remedy}`,
  };
}

/** If a parameter is missing or not accepted, the configuration of the bot can change it. */
function withParameterRemedy(answer: Refusal, wording: Wording): Wording {
  const remedy = parameterRemedy(answer);
  return remedy === undefined ? wording : { ...wording, contact: 'you', remedy };
}

/** RFC 9449 section 5 defines an error code for an invalid proof and none for a missing proof, so the description is searched. */
function withDpopRemedy(answer: Refusal, wording: Wording): Wording {
  const { proofSent = false, server, error, errorDescription = '' } = answer;
  if (proofSent || server === undefined || !/\bdpop\b/iu.test(`${error.replaceAll('_', ' ')} ${errorDescription}`))
    return wording;
  const remedy = `If it accepts only tokens that are bound to a key, set servers.${server}.dpop to a pair of generateDpopKeyPair(). ${wording.remedy}`;
  return { ...wording, contact: 'you', remedy };
}

/** The OAuth error that the peer means. */
function meaningOf({ status, errorDescription = '' }: Refusal, error: string | undefined): string | undefined {
  // RFC 6749 section 5.2: 401 is for client authentication; Keycloak answers a wrong secret with unauthorized_client and 401.
  // Others send a sentence as the error code, or none.
  if ((error === undefined || error === 'unauthorized_client') && status === 401) return 'invalid_client';
  const text = errorDescription.slice(0, SEARCHED);
  // oidc-provider has no unauthorized_client for a client without the grant.
  const isAboutGrant =
    (error === 'invalid_request' &&
      /\bgrant[ _]types?\b/iu.test(text) &&
      /\bnot (?:allowed|permitted|authori[sz]ed|enabled)\b/iu.test(text)) ||
    (error === 'invalid_client_metadata' && /\bgrant[ _]types?\b/iu.test(text));
  return isAboutGrant ? 'unauthorized_client' : error;
}

function mentionsAudience({ errorDescription = '' }: Refusal): boolean {
  return /\baud(?:iences?)?\b/iu.test(errorDescription.slice(0, SEARCHED));
}

/** What to do if an authorization server expects its own issuer as audience, and the configured one is another. */
function ownIssuerRemedy({ leg, server, issuer, isEndpointPinned = false }: Refusal): string {
  if (!isEndpointPinned) return '';
  const option = leg === 'redeem' ? `servers.${server ?? '<name>'}` : 'idp';
  return `The audience is the configured issuer "${issuer}": compare it with "issuer" in the metadata of that authorization server, and set ${option}.issuer to the value there if it is another one; keep ${option}.tokenEndpoint. `;
}

function wordingFor(answer: Refusal, error: string | undefined): Wording {
  const { leg, grant, option, issuer, usesIdp = true } = answer;
  const client = answer.clientId === '' ? 'this workload' : `the client "${answer.clientId}"`;
  const atIdp = leg !== 'redeem';
  const contact: Contact = atIdp ? 'idp-admin' : 'server-owner';
  const who = atIdp ? `the IdP ${issuer}` : `the authorization server ${issuer}`;
  const Who = who.replace('the', 'The');
  const server = answer.server === undefined ? '' : ` for server "${answer.server}"`;
  const to = answer.server === undefined ? '' : ` to server "${answer.server}"`;
  const at = `servers.${answer.server ?? '<name>'}`;
  const scopes = answer.scopes?.length ? answer.scopes.map((scope) => `"${scope}"`).join(', ') : 'access';

  switch (meaningOf(answer, error) ?? '') {
    case 'invalid_client':
      if (answer.authentication === 'signed' && mentionsAudience(answer)) {
        return {
          code: 'invalid_client',
          contact: 'you',
          message: `${Who} did not accept the client assertion of ${client}: it expects another audience.`,
          remedy: `${ownIssuerRemedy(answer)}Otherwise set the audience that it expects in ${option}: privateKeyJwt({ audience }).`,
        };
      }
      return {
        code: 'invalid_client',
        // A wrong or expired secret is the most frequent cause, and the operator of the bot can compare it first. A key is compared with
        // the public key that is registered at the issuer.
        contact: answer.authentication === 'secret' ? 'you' : contact,
        message: `${Who} does not know ${client} or did not accept its authentication.`,
        remedy: `Check ${option}: ${authenticationOf(answer)}; if they are right, ask ${atIdp ? "the IdP's administrator" : 'the owner of the authorization server'} for the client to be registered there.`,
      };
    case 'unauthorized_client':
      return {
        code: 'unauthorized_client',
        contact,
        message: `${Who} does not let ${client} use the ${grant} grant.`,
        remedy: `Ask whether this principal was disabled there; if it was not, ask for the ${grant} grant to be enabled for it.`,
      };
    case 'unsupported_grant_type':
      return {
        code: 'unsupported_grant_type',
        contact,
        message: `${Who} does not offer the ${grant} grant.`,
        remedy: `Check that this is the right issuer; if it is, ask for the ${grant} grant to be enabled there.`,
      };
    case 'access_denied':
      return {
        code: 'access_denied',
        contact,
        message: `${Who} refuses ${client} access${to}.`,
        remedy: `Ask for ${scopes} to be granted to this principal${server}; if that is done already, ask whether the server is paused or the principal disabled there.`,
      };
    case 'invalid_scope':
      return {
        code: 'invalid_scope',
        contact,
        message: `${Who} does not grant ${scopes === 'access' ? 'any scope' : scopes} to ${client}${server}.`,
        remedy:
          leg === 'redeem' && usesIdp
            ? `Ask for the scope to be granted to this client there, because the ID-JAG contains it; if that authorization server accepts no scope with an ID-JAG, set ${at}.redeemScope: 'omit'.`
            : `Check the spelling of ${at}.scopes; if it is right, ask for the scope to be granted to this principal.`,
      };
    case 'invalid_target':
      return {
        code: 'invalid_target',
        contact,
        message: `${Who} does not know the audience or resource of the request${server}.`,
        remedy: `Check ${at}.url and ${at}.issuer; if they are right, ask for the server's resource and its authorization server to be registered there, spelt exactly as in their metadata.${
          leg === 'redeem' && answer.sent?.includes('resource') === true
            ? ` If that authorization server has no resources (RFC 8707), set ${at}.resourceParameter: 'omit'.`
            : ''
        }`,
      };
    case 'insufficient_user_authentication':
      return {
        code: 'step_up_required',
        contact,
        message: `${Who} requires a stronger or more recent authentication of the subject${server}.`,
        remedy: `A service principal cannot authenticate interactively: ask for the policy to exempt it, or give a subject token that satisfies the policy.`,
      };
    case 'invalid_grant':
      if (leg === 'redeem' && usesIdp && answer.isEndpointPinned === true && mentionsAudience(answer)) {
        return {
          code: 'invalid_grant',
          contact: 'you',
          message: `${Who} did not accept the assertion presented by ${client}${server}: it expects another audience than its configured issuer.`,
          remedy: `${ownIssuerRemedy(answer)}If it is the same, ask which issuer the authorization server expects as the audience of an ID-JAG.`,
        };
      }
      if (leg === 'authenticate' && grant === 'token exchange') {
        return {
          code: 'invalid_grant',
          contact,
          message: `${Who} did not accept the token of the platform presented by ${client}.`,
          remedy: `Compare the issuer, audience and subject of that token (ownToken({ from })) with what is registered for ${client} there, and check that it has not expired.`,
        };
      }
      return leg === 'exchange'
        ? {
            code: 'invalid_grant',
            contact,
            message: `${Who} did not accept the subject token of ${client}, or grants the principal nothing${server}.`,
            remedy: `Check idp.subject: the token, its type, issuer and client; if they are right, ask whether this principal is granted ${scopes}${server}.`,
          }
        : {
            code: 'invalid_grant',
            contact,
            message: `${Who} did not accept the ${grant === 'jwt-bearer' ? 'assertion' : 'grant'} presented by ${client}${server}.`,
            remedy: usesIdp
              ? `Ask whether the authorization server trusts this IdP as an issuer and accepts the IdP's signing algorithm, and whether the IdP sets client_id in the ID-JAG to "${answer.clientId}".`
              : `Ask whether the authorization server trusts the issuer of the workload's JWT and accepts its signing algorithm, audience and subject.`,
          };
    case 'invalid_request':
      return {
        code: 'invalid_request',
        contact,
        message: `${Who} refused the ${grant} request${server} as malformed.`,
        remedy:
          leg === 'exchange' && answer.sent && !answer.sent.includes('scope')
            ? `Read the error description; if the IdP requires a scope, configure ${at}.scopes.`
            : ERROR_CODES.invalid_request.remedy,
      };
    case 'invalid_client_metadata':
      return {
        code: 'oauth_error',
        contact,
        message: `${Who} cannot use its registration of ${client}.`,
        remedy: 'Ask for the registration of this client to be corrected there; its log says which member is wrong.',
      };
    case 'invalid_dpop_proof':
      return {
        code: 'oauth_error',
        contact,
        message: `${Who} did not accept the DPoP proof in the ${grant} request of ${client}${server}.`,
        remedy: `Ask what is wrong with the proof: RFC 9449 section 4.3 lists what is checked, such as the URL, the algorithm and the time.`,
      };
    case undefined:
    default:
      return {
        code: 'oauth_error',
        contact,
        message: `${Who} answered ${answer.status} ${error === undefined ? 'without a valid OAuth error code' : isRegisteredErrorCode(error) ? `with the error "${error}"` : 'with an unknown error code'} to the ${grant} request of ${client}${server}.`,
        remedy: ERROR_CODES.oauth_error.remedy,
      };
  }
}
