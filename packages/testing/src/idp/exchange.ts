import { GrantRefusal } from '@credence/authorization-server';
import type { Clock } from '@credence/core';
import {
  DpopProofError,
  ID_JAG_TYP,
  parseScopes,
  sameResource,
  TOKEN_TYPE_ID_JAG,
  verifyDpopProof,
} from '@credence/protocol';
import { jsonResponse } from '../http/responses.ts';
import type { Incoming } from '../http/route.ts';
import { formOf } from '../http/token-request.ts';
import type { ClientSettings, ServerSettings, Settings } from '../settings/settings.ts';
import type { SigningKey } from '../tokens/signing-key.ts';
import type { SubjectTokens } from './subject-tokens.ts';

/** What the exchange needs besides the request. */
export interface ExchangeContext {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly key: SigningKey;
  readonly subjects: SubjectTokens;
  /** Called with the time at which each new ID-JAG expires, in milliseconds since the epoch. */
  readonly onIssued: (expiresAtMs: number) => void;
}

/** Exchanges a subject token for an ID-JAG (RFC 8693, draft-ietf-oauth-identity-assertion-authz-grant section 4.3). Throws GrantRefusal. */
export async function exchange(
  incoming: Incoming,
  client: ClientSettings,
  context: ExchangeContext,
): Promise<Response> {
  const { settings, clock, key, subjects, onIssued } = context;
  const form = formOf(incoming);
  if (form.get('requested_token_type') !== TOKEN_TYPE_ID_JAG) {
    throw new GrantRefusal('invalid_request', `requested_token_type is not ${TOKEN_TYPE_ID_JAG}`);
  }
  const subject = await subjects.subjectOf(
    form.get('subject_token') ?? '',
    form.get('subject_token_type') ?? '',
    client.clientId,
  );
  const actor = await actorOf(form, client, subjects);
  const server = serverOf(form, settings.servers.values());
  const atServer = server?.clients.get(client.principal);
  if (server === undefined || atServer === undefined) {
    throw new GrantRefusal('invalid_target', 'no server has this audience and resource');
  }
  const scopes = grantedScopes(form.get('scope'), client, server, settings);
  const thumbprint = await proofThumbprint(incoming, settings.tokenEndpoint, clock);
  const scope = scopes.join(' ');
  const resource = form.has('resource') ? server.resource : undefined;
  const claims = {
    iss: settings.issuer,
    sub: subject,
    aud: server.issuer,
    client_id: atServer.clientId,
    scope,
    ...(resource !== undefined && { resource }),
    ...(actor !== undefined && { act: { sub: actor } }),
    ...(thumbprint !== undefined && { cnf: { jkt: thumbprint } }),
  };
  const idJag = await key.sign(ID_JAG_TYP, claims, settings.idJagSeconds);
  onIssued(clock.wallMs() + settings.idJagSeconds * 1000);
  return jsonResponse({
    access_token: idJag,
    issued_token_type: TOKEN_TYPE_ID_JAG,
    token_type: 'N_A',
    expires_in: settings.idJagSeconds,
    scope,
    ...(resource !== undefined && { resource }),
  });
}

/** The server that an exchange asks for: by its resource, and without one by the audience alone. */
export function serverOf(form: URLSearchParams, servers: Iterable<ServerSettings>): ServerSettings | undefined {
  const resource = form.get('resource');
  const candidates = [...servers].filter(({ audience }) => audience === form.get('audience'));
  return resource === null ? candidates[0] : candidates.find((server) => sameResource(server.resource, resource));
}

async function actorOf(form: URLSearchParams, client: ClientSettings, subjects: SubjectTokens) {
  const token = form.get('actor_token');
  if (token === null) return undefined;
  return subjects.subjectOf(token, form.get('actor_token_type') ?? '', client.clientId);
}

/** The requested scopes that are granted. Without a request: all that are granted. */
function grantedScopes(
  requested: string | null,
  { principal }: ClientSettings,
  server: ServerSettings,
  { principals }: Settings,
): readonly string[] {
  const held = principals.get(principal)?.grantedAt(server);
  if (held === undefined || held.length === 0) {
    throw new GrantRefusal('access_denied', `${principal} has no grant for the server ${server.name}`);
  }
  if (requested === null) return held;
  const granted = parseScopes(requested).filter((scope) => held.includes(scope));
  if (granted.length === 0) {
    throw new GrantRefusal('invalid_scope', `${principal} holds none of the requested scopes at ${server.name}`);
  }
  return granted;
}

async function proofThumbprint(
  { headers }: Incoming,
  tokenEndpoint: string,
  clock: Clock,
): Promise<string | undefined> {
  const proof = headers.get('dpop');
  if (proof === null) return undefined;
  try {
    const now = new Date(clock.wallMs());
    return (await verifyDpopProof(proof, { method: 'POST', url: tokenEndpoint, now }, {})).thumbprint;
  } catch (error) {
    if (error instanceof DpopProofError) throw new GrantRefusal(error.error, error.message);
    throw error;
  }
}
