import { GRANT_CLIENT_CREDENTIALS, GRANT_JWT_BEARER } from '@credence/protocol';
import type { Directory } from '../discovery/directory.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SubjectTokenSource, SubjectTokenTarget } from '../subjects/subject.ts';
import { isCredenceError } from '../errors/credence-error.ts';
import type { SubjectTokens } from './subject-tokens.ts';
import type { Flow, Grant, GrantRequest } from './flow.ts';
import { checkSubjectOfGetter } from './caller-subject.ts';
import { type KnownSubjects, subjectOfToken } from './known-subjects.ts';
import { redeem } from './redeem.ts';
import { ownerOf } from './subject-for-exchange.ts';
import type { ServerSettings } from '../settings/settings.ts';

/** How many times the JWT may be replaced during one acquisition. Each one is sent once. */
const MAX_REPLACEMENTS = 5;

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
 * After a refusal no other request is sent, except if the JWT comes from a file that contains another JWT by then: the refused one was
 * replaced while it was in use.
 */
export function workloadIdentityFlow(
  runtime: Runtime,
  server: ServerSettings,
  directory: Directory,
  workload: {
    assertion: SubjectTokenSource;
    tokens: Pick<SubjectTokens, 'get' | 'drop' | 'numberOf'>;
    known: KnownSubjects;
  },
): Flow {
  const { assertion: source, tokens, known } = workload;
  const owner = ownerOf(undefined, source, tokens);
  return {
    async acquire(request) {
      let subject: string | undefined;
      const grant = await requestWithoutIdp(runtime, server, directory, request, {
        grantType: GRANT_JWT_BEARER,
        grant: 'jwt-bearer',
        assertion: async (target) => {
          const { value } = await tokens.get(source, target, request.signal);
          subject = subjectOfToken(value);
          await known.check(owner, subject);
          // After a refusal the next acquisition asks the platform for another token: the platform may have replaced its key.
          return { value, refused: async () => tokens.drop(source, target, value) };
        },
        mayBeReplaced: source.local === true,
        retry: false,
      });
      await known.remember(owner, subject, { server: server.name });
      return grant;
    },
    async checkSubject(signal) {
      if (known.knows(owner) || !(await known.isStored(owner))) return;
      await checkSubjectOfGetter(source, { owner, tokens, known }, signal);
    },
    checkCaller: async (signal) => checkSubjectOfGetter(source, { owner, tokens, known }, signal),
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
    assertion?: (target: SubjectTokenTarget) => Promise<{ value: string; refused: () => Promise<void> }>;
    retry?: boolean;
    /** Whether the assertion comes from a file that another program may have replaced. */
    mayBeReplaced?: boolean;
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
  const { mayBeReplaced = false, assertion: getAssertion, ...fixed } = grant;
  const target = { issuer: endpoint.issuer, tokenEndpoint: async () => endpoint.url };
  const options = { server, endpoint, resource, ...wanted, ...fixed, parameters, usesIdp: false, signal };
  let sent = await getAssertion?.(target);
  for (let replacements = mayBeReplaced ? MAX_REPLACEMENTS : 0; ; replacements -= 1) {
    try {
      return await redeem(runtime, { ...options, assertion: sent?.value });
    } catch (error) {
      if (!isCredenceError(error) || error.error === undefined) throw error;
      await sent?.refused();
      const next = replacements > 0 ? await getAssertion?.(target).catch(() => undefined) : undefined;
      if (next === undefined || next.value === sent?.value) throw error;
      sent = next;
    }
  }
}
