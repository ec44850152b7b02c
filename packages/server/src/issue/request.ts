import {
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_ID_JAG,
  TOKEN_TYPE_ID_JAG_MISSPELT,
  TOKEN_TYPE_ID_TOKEN,
} from '@credence/core';
import { z } from 'zod';
import type { AuthorizationDetail } from '../id-jag/types.ts';
import { parameter, parameterList, requiredParameter, scopeParameter } from '../provider/parameters.ts';
import { GrantRefusal } from '../provider/refusal.ts';
import type { IssueDraft } from './audit.ts';
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

/** The parameters of a token exchange (RFC 8693 section 2.1), each checked for what can be said of it alone. */
export interface ExchangeRequest {
  readonly subjectToken: string;
  readonly subjectTokenType: string;
  readonly verifySubjectToken: SubjectTokenVerifier;
  readonly audience: string;
  readonly resources: readonly string[];
  readonly scopes: readonly string[] | undefined;
  readonly authorizationDetails: readonly AuthorizationDetail[] | undefined;
}

const authorizationDetailsSchema = z.array(z.looseObject({ type: z.string() })).max(100);

/** Notes in the draft what was asked before anything is refused, so that the record of a malformed request says it. */
export function readExchangeRequest(params: Readonly<Record<string, unknown>>, draft: IssueDraft): ExchangeRequest {
  const audiences = parameterList(params, 'audience');
  const resources = parameterList(params, 'resource');
  const [audience] = audiences;
  if (audience !== undefined) draft.audience = audience;
  if (resources.length > 0) draft.resource = resources;
  const scopes = scopeParameter(params);
  if (scopes !== undefined) draft.requestedScopes = scopes;

  checkRequestedTokenType(parameter(params, 'requested_token_type'));
  if (audience === undefined) throw new GrantRefusal('invalid_request', 'audience is required');
  if (audiences.length > 1) throw new GrantRefusal('invalid_target', 'an ID-JAG is for one audience');
  if (resources.some((resource) => !URL.canParse(resource) || resource.includes('#'))) {
    throw new GrantRefusal('invalid_target', 'a resource must be an absolute URI without a fragment');
  }
  if (params['actor_token'] !== undefined || params['actor_token_type'] !== undefined) {
    throw new GrantRefusal('invalid_request', 'actor_token is not supported');
  }
  const subjectToken = requiredParameter(params, 'subject_token');
  const subjectTokenType = requiredParameter(params, 'subject_token_type');
  const verifySubjectToken = subjectTokenVerifiers.get(subjectTokenType);
  if (verifySubjectToken === undefined) {
    throw new GrantRefusal(
      'invalid_request',
      `subject_token_type must be ${TOKEN_TYPE_ACCESS_TOKEN} or ${TOKEN_TYPE_ID_TOKEN}`,
    );
  }
  draft.subjectTokenType = subjectTokenType;
  const authorizationDetails = readAuthorizationDetails(parameter(params, 'authorization_details'));
  return { subjectToken, subjectTokenType, verifySubjectToken, audience, resources, scopes, authorizationDetails };
}

function checkRequestedTokenType(requested: string | undefined): void {
  if (requested === TOKEN_TYPE_ID_JAG) return;
  if (requested === TOKEN_TYPE_ID_JAG_MISSPELT) {
    throw new GrantRefusal(
      'invalid_request',
      `requested_token_type is misspelt: it is ${TOKEN_TYPE_ID_JAG}, with a hyphen`,
    );
  }
  throw new GrantRefusal('invalid_request', `requested_token_type must be ${TOKEN_TYPE_ID_JAG}`);
}

function readAuthorizationDetails(value: string | undefined): readonly AuthorizationDetail[] | undefined {
  if (value === undefined) return undefined;
  try {
    return authorizationDetailsSchema.parse(JSON.parse(value));
  } catch {
    throw new GrantRefusal('invalid_authorization_details', 'authorization_details is not a list of typed objects');
  }
}
