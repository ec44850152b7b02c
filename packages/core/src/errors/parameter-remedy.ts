import type { Refusal } from './oauth-error-response.ts';

/** The longest part of a peer's description that is searched. */
const SEARCHED = 2_000;

const ABOUT_PARAMETER =
  /\bparam|\bargument|\bfield|\bindicator|\bmust not (?:be (?:sent|present|included|specified|used|set)|contain|include|have)\b|\b(?:for|in|with|by) (?:this|the|an?) (?:grant|request|flow|endpoint|assertion|jwt)\b/u;

/** How servers say that they accept no parameter of this name. */
const REFUSED =
  /\b(?:not|n't|cannot|can't) (?:be )?(?:supported|allowed|permitted|accepted|recogni[sz]ed|expected|understood|used|sent|included|present|specified|provided|contain|include|have|send|use)\b|\bunsupported\b|\bunknown\b|\bunrecogni[sz]ed\b|\bunexpected\b|\bforbidden\b|\bprohibited\b|\bdisallowed\b|\bsuperfluous\b|\bextra(?:neous)?\b/u;

/** How servers say that a parameter is missing. */
const REQUIRED =
  /\brequire[sd]?\b|\brequirement\b|\bmandatory\b|\bobligatory\b|\bcompulsory\b|\bnecessary\b|\bmissing\b|\babsent\b|\blacks?\b|\bomitted\b|\bexpected\b|\b(?:must|should|has to|have to|had to|needs? to) (?:contain|include|have|specify|provide|supply|send|give|pass|name|set|be (?:present|provided|specified|included|set|supplied|given|sent|passed|defined|non-?empty)|not be (?:empty|blank|null|omitted|missing))|\b(?:please|you must|you have to) (?:provide|specify|supply|give|pass|send|set|include)\b|\bnot (?:provided|present|specified|supplied|given|sent|set|found|included|passed|defined)\b|\bno (?:default )?(?:scope|audience)|\bwithout\b|\bneeds?\b|\bneeded\b|\bempty\b|\bblank\b|\bnull\b|\bundefined\b/u;

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
  if (answer.leg === 'redeem' && answer.sent && !sent('resource') && isMissingTarget(answer.error, description)) {
    return `${answer.issuer} requires the parameter "resource", and the request had none: ${set.resource}.`;
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
  readonly set: { readonly scope: string; readonly resource?: string; readonly audience?: string };
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
  const send = `remove ${at}.resourceParameter: 'omit'`;
  return usesIdp
    ? { omit: { resource, scope: `set ${at}.redeemScope: 'omit'` }, set: { scope, resource: send } }
    : { omit: { resource }, set: { scope, resource: send, audience: `set ${at}.audience` } };
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

function isMissingTarget(error: string, description: string): boolean {
  return requires('resource', description) && (error === 'invalid_target' || error === 'invalid_request');
}

/** AADSTS1002012 and AADSTS70011 are codes of Microsoft Entra for `client_credentials` with other scopes. */
function requiresDefaultScope(description: string): boolean {
  return /\baadsts(?:1002012|70011)\b/u.test(description) || description.includes('/.default');
}

/** A sentence about a scope or a resource that does not say that it is about the parameter can be about its value. */
function refuses(parameter: Parameter, description: string): boolean {
  return sentencesWith(parameter, description).some(
    (sentence) => ABOUT_PARAMETER.test(sentence) && REFUSED.test(sentence),
  );
}

/** A sentence about a claim of an assertion is not about a parameter of the request. */
function requires(parameter: Parameter, description: string): boolean {
  return sentencesWith(parameter, description).some(
    (sentence) => !/\bclaim|\bassertion|\bjwt\b/u.test(sentence) && REQUIRED.test(sentence),
  );
}

function sentencesWith(parameter: Parameter, description: string): readonly string[] {
  const name = new RegExp(`\\b${parameter}s?\\b`, 'u');
  return description.split(/[.;!?]\s|[\r\n]+/u).filter((sentence) => name.test(sentence));
}
