import { GRANT_CLIENT_CREDENTIALS, GRANT_JWT_BEARER } from '@credence/protocol';
import type { Directory } from '../discovery/directory.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SubjectTokenSource } from '../subjects/subject.ts';
import type { SubjectTokens } from './subject-tokens.ts';
import type { Flow, Grant, GrantRequest } from './flow.ts';
import { checkSubjectOfGetter } from './caller-subject.ts';
import { type KnownSubjects, subjectOfToken } from './known-subjects.ts';
import { redeem } from './redeem.ts';
import { ownerOf } from './subject-for-exchange.ts';
import type { ServerSettings } from '../settings/settings.ts';

/** `flow: 'client-credentials'`: one request to the authorization server of the MCP server (RFC 6749 section 4.4), without the IdP. */
export function clientCredentialsFlow(runtime: Runtime, server: ServerSettings, directory: Directory): Flow {
  return {
    acquire: (request) =>
      requestWithoutIdp(runtime, server, directory, request, {
        grantType: GRANT_CLIENT_CREDENTIALS,
        grant: 'client_credentials',
      }),
  };
}

/**
 * `flow: 'workload-identity'` (SEP-1933): the JWT of the platform is the assertion at the authorization server of the MCP server.
 * After a refusal no other request is sent.
 */
export function workloadIdentityFlow(
  runtime: Runtime,
  server: ServerSettings,
  directory: Directory,
  workload: {
    assertion: SubjectTokenSource;
    tokens: Pick<SubjectTokens, 'get' | 'numberOf'>;
    known: KnownSubjects;
  },
): Flow {
  const { assertion: source, tokens, known } = workload;
  const owner = ownerOf(undefined, source, tokens);
  return {
    async acquire(request) {
      const { value: assertion } = await tokens.get(source, request.signal);
      await known.check(owner, subjectOfToken(assertion));
      const grant = await requestWithoutIdp(runtime, server, directory, request, {
        grantType: GRANT_JWT_BEARER,
        grant: 'jwt-bearer',
        assertion,
        retry: false,
      });
      await known.remember(owner, subjectOfToken(assertion), { server: server.name });
      return grant;
    },
    async checkSubject(signal) {
      if (known.knows(owner) || !(await known.isStored(owner))) return;
      await checkSubjectOfGetter(source, { owner, tokens, known }, signal);
    },
    checkCaller: async (signal = new AbortController().signal) =>
      checkSubjectOfGetter(source, { owner, tokens, known }, signal),
  };
}

async function requestWithoutIdp(
  runtime: Runtime,
  server: ServerSettings,
  directory: Directory,
  { scopes, signal }: GrantRequest,
  grant: {
    grantType: string;
    grant: 'client_credentials' | 'jwt-bearer';
    assertion?: string;
    retry?: boolean;
  },
): Promise<Grant> {
  const { resource, issuer } = await directory.target(server, signal);
  const endpoint = await directory.authorizationServer(server, issuer, signal);
  directory.useCredential(server, issuer);
  const parameters = {
    audience: server.audience,
    authorization_details: server.authorizationDetails && JSON.stringify(server.authorizationDetails),
  };
  const wanted = { scopes, requested: scopes, impliedScopes: scopes };
  return redeem(runtime, { server, endpoint, resource, ...wanted, parameters, usesIdp: false, signal, ...grant });
}
