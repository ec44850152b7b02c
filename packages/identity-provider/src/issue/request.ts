import {
  type AuthorizationDetail,
  isNormalResource,
  TOKEN_TYPE_ID_JAG,
  TOKEN_TYPE_ID_JAG_MISSPELT,
} from '@credence/protocol';
import { parameter, parameterList, requiredParameter, scopeParameter } from '@credence/authorization-server/internals';
import { GrantRefusal } from '@credence/authorization-server';
import { z } from 'zod';
import { ACTOR_TOKEN_TYPES, type ActorToken } from './actor.ts';
import type { RequestFacts } from './audit.ts';
import { subjectTokenVerifiers } from './subject-tokens/index.ts';
import type { SubjectTokenVerifier } from './subject-tokens/subject-token.ts';

export const EXCHANGE_PARAMETERS = [
  'requested_token_type',
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'audience',
  'resource',
  'scope',
  'authorization_details',
];

/** The parameters of a token exchange (RFC 8693 section 2.1). Their syntax is checked. The tokens are not verified. */
export interface ExchangeRequest {
  readonly subjectToken: string;
  readonly subjectTokenType: string;
  readonly verifySubjectToken: SubjectTokenVerifier;
  readonly actorToken: ActorToken | undefined;
  readonly audience: string;
  readonly resources: readonly string[];
  readonly scopes: readonly string[] | undefined;
  readonly authorizationDetails: readonly AuthorizationDetail[] | undefined;
}

const authorizationDetailsSchema = z.array(z.looseObject({ type: z.string() })).max(100);

/**
 * The facts about a request for its audit record. The facts are read before the checks, so that the record of a
 * malformed request has them.
 */
export function factsOfRequest(params: Readonly<Record<string, unknown>>): Omit<RequestFacts, 'status'> {
  const [audience] = parameterList(params, 'audience');
  const resource = parameterList(params, 'resource');
  const requestedScopes = scopeParameter(params);
  const subjectTokenType = parameter(params, 'subject_token_type');
  return {
    ...(audience !== undefined && { audience }),
    ...(resource.length > 0 && { resource }),
    ...(requestedScopes !== undefined && { requestedScopes }),
    ...(subjectTokenType !== undefined && subjectTokenVerifiers.has(subjectTokenType) && { subjectTokenType }),
  };
}

/** Checks the syntax of a request. Throws GrantRefusal. */
export function readExchangeRequest(params: Readonly<Record<string, unknown>>): ExchangeRequest {
  const audiences = parameterList(params, 'audience');
  const resources = parameterList(params, 'resource');
  const [audience] = audiences;
  checkRequestedTokenType(parameter(params, 'requested_token_type'));
  if (audience === undefined) throw new GrantRefusal('invalid_request', 'audience is required');
  if (audiences.length > 1) throw new GrantRefusal('invalid_target', 'an ID-JAG has exactly one audience');
  if (!resources.every((resource) => isNormalResource(resource))) {
    throw new GrantRefusal(
      'invalid_target',
      'a resource must be an absolute URI without a fragment, in its normal form',
    );
  }
  const subjectToken = requiredParameter(params, 'subject_token');
  const subjectTokenType = requiredParameter(params, 'subject_token_type');
  const verifySubjectToken = subjectTokenVerifiers.get(subjectTokenType);
  if (verifySubjectToken === undefined) {
    throw new GrantRefusal(
      'invalid_request',
      `subject_token_type must be one of ${[...subjectTokenVerifiers.keys()].join(', ')}`,
    );
  }
  const actorToken = readActorToken(params);
  const authorizationDetails = readAuthorizationDetails(parameter(params, 'authorization_details'));
  return {
    subjectToken,
    subjectTokenType,
    verifySubjectToken,
    actorToken,
    audience,
    resources,
    scopes: scopeParameter(params),
    authorizationDetails,
  };
}

/** RFC 8693 section 2.1: `actor_token` and `actor_token_type` must both be present or both be absent. */
function readActorToken(params: Readonly<Record<string, unknown>>): ActorToken | undefined {
  const token = parameter(params, 'actor_token');
  const type = parameter(params, 'actor_token_type');
  if (token === undefined && type === undefined) return undefined;
  if (token === undefined) throw new GrantRefusal('invalid_request', 'actor_token_type needs an actor_token');
  if (type === undefined) throw new GrantRefusal('invalid_request', 'actor_token needs an actor_token_type');
  if (!ACTOR_TOKEN_TYPES.includes(type)) {
    throw new GrantRefusal('invalid_request', `actor_token_type must be one of ${ACTOR_TOKEN_TYPES.join(', ')}`);
  }
  return { token, type };
}

function checkRequestedTokenType(requested: string | undefined): void {
  if (requested === TOKEN_TYPE_ID_JAG) return;
  if (requested === TOKEN_TYPE_ID_JAG_MISSPELT) {
    throw new GrantRefusal(
      'invalid_request',
      `requested_token_type is misspelt: the correct value is ${TOKEN_TYPE_ID_JAG}, with a hyphen`,
    );
  }
  throw new GrantRefusal('invalid_request', `requested_token_type must be ${TOKEN_TYPE_ID_JAG}`);
}

function readAuthorizationDetails(value: string | undefined): readonly AuthorizationDetail[] | undefined {
  if (value === undefined) return undefined;
  try {
    return authorizationDetailsSchema.parse(JSON.parse(value));
  } catch {
    throw new GrantRefusal(
      'invalid_authorization_details',
      'authorization_details is not a list of objects with a type',
    );
  }
}
