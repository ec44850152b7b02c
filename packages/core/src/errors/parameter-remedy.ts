import type { Refusal } from './oauth-error-response.ts';

/** The longest part of a peer's description that is searched. */
const SEARCHED = 2_000;

type Parameter = 'scope' | 'audience' | 'resource';

/**
 * What to configure if a peer refused a request because it does not accept a parameter, or because a parameter is missing. OAuth has no
 * error code for this, so the description is searched for the words of common servers. No text of the peer becomes part of the
 * sentence.
 */
export function parameterRemedy(answer: Refusal): string | undefined {
  const description = (answer.errorDescription ?? '').slice(0, SEARCHED).toLowerCase();
  const sent = (parameter: Parameter) => answer.sent?.includes(parameter) ?? false;
  const { omit, set } = optionsOf(answer);
  if (sent('resource') && omit.resource !== undefined && refusesResource(answer.error, description)) {
    return `${answer.issuer} does not accept the parameter "resource": ${omit.resource}.`;
  }
  if (sent('scope') && omit.scope !== undefined && refuses('scope', description)) {
    return `${answer.issuer} does not accept the parameter "scope" in this request: ${omit.scope}.`;
  }
  if (answer.grant === 'client_credentials' && requiresDefaultScope(description)) {
    return `${answer.issuer} accepts one scope that ends with "/.default", such as "api://app/.default": ${set.scope}.`;
  }
  if (answer.sent && !sent('audience') && set.audience !== undefined && requires('audience', description)) {
    return `${answer.issuer} requires the parameter "audience", and the request had none: ${set.audience}.`;
  }
  if (answer.sent && !sent('scope') && (answer.error === 'invalid_scope' || requires('scope', description))) {
    return `${answer.issuer} requires the parameter "scope", and the request had none: ${set.scope}.`;
  }
  return undefined;
}

interface ParameterOptions {
  /** How to leave a parameter out, if an option does that. */
  readonly omit: { readonly resource?: string; readonly scope?: string };
  /** How to set a parameter. */
  readonly set: { readonly scope: string; readonly audience?: string };
}

function optionsOf({ leg, server, usesIdp = true }: Refusal): ParameterOptions {
  if (leg === 'authenticate') {
    return {
      omit: { resource: 'leave out ownToken({ resource })' },
      set: { scope: 'set ownToken({ scope })', audience: 'set ownToken({ audience })' },
    };
  }
  const at = `servers.${server ?? '<name>'}`;
  const scope = `configure ${at}.scopes`;
  if (leg === 'exchange') return { omit: {}, set: { scope } };
  const resource = `set ${at}.resourceParameter: 'omit'`;
  return usesIdp
    ? { omit: { resource, scope: `set ${at}.redeemScope: 'omit'` }, set: { scope } }
    : { omit: { resource }, set: { scope, audience: `set ${at}.audience` } };
}

/**
 * AADSTS901002 and AADSTS9010010 are codes of Microsoft Entra, whose v2.0 endpoint takes the resource from the scope. `invalid_target`
 * (RFC 8707 section 2) refuses the value of the parameter, not the parameter.
 */
function refusesResource(error: string, description: string): boolean {
  return (
    /\baadsts(?:901002|9010010)\b/u.test(description) ||
    (error !== 'invalid_target' && refuses('resource', description))
  );
}

/** AADSTS1002012 and AADSTS70011 are codes of Microsoft Entra for `client_credentials` with other scopes. */
function requiresDefaultScope(description: string): boolean {
  return /\baadsts(?:1002012|70011)\b/u.test(description) || description.includes('/.default');
}

function refuses(parameter: Parameter, description: string): boolean {
  return sentencesWith(parameter, description).some(
    (sentence) =>
      /\bparam|\bargument|\bfield|\bindicator/u.test(sentence) &&
      /\bnot (?:supported|allowed|permitted|accepted|recogni[sz]ed|expected)\b|\bunsupported\b|\bunknown\b|\bunrecogni[sz]ed\b|\bunexpected\b/u.test(
        sentence,
      ),
  );
}

/** A sentence about a claim of an assertion is not about a parameter of the request. */
function requires(parameter: Parameter, description: string): boolean {
  return sentencesWith(parameter, description).some(
    (sentence) =>
      !/\bclaim|\bassertion|\bjwt\b/u.test(sentence) &&
      /\brequire[sd]?\b|\bmissing\b|\bmust (?:contain|include|have|specify|provide|be (?:present|provided|specified|included|set)|not be (?:empty|blank|null))|\bnot (?:provided|present|specified|supplied|given)\b|\bno (?:default )?(?:scope|audience)|\bwithout\b|\bneeds?\b|\bempty\b|\bblank\b/u.test(
        sentence,
      ),
  );
}

function sentencesWith(parameter: Parameter, description: string): readonly string[] {
  const name = new RegExp(`\\b${parameter}s?\\b`, 'u');
  return description.split(/[.;!?]\s|[\r\n]+/u).filter((sentence) => name.test(sentence));
}
