import { waitFor } from '@credence/protocol';
import type { WhenClosed } from '../call/when-closed.ts';
import { fetchFor } from '../call/fetch-for.ts';
import { present } from '../call/present.ts';
import { ServerAccess } from '../call/server-access.ts';
import type { Directory } from '../discovery/directory.ts';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { flowFor } from '../flows/flow-for.ts';
import type { SharedStore } from '../store/shared-store.ts';
import { SubjectTokens } from '../flows/subject-tokens.ts';
import type { KnownSubjects } from '../flows/known-subjects.ts';
import type { IdJagSubjects } from '../flows/id-jag-subjects.ts';
import type { UserSession } from '../flows/user-session.ts';
import { report, withoutQuery } from '../net/gate.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { IdpSettings, ServerSettings } from '../settings/settings.ts';
import type { AccessToken } from '../tokens/access-token.ts';
import { TokenManager } from '../tokens/token-manager.ts';
import { compileReport, type SeenEvent } from './compile-report.ts';
import { adviceFor, type Announced } from './hints.ts';
import { linkedSignal } from './linked-signal.ts';
import { type ProbeContext, probeMcp, type Spoken } from './mcp-probe.ts';
import type { Diagnosis } from './report.ts';

/** What a principal does with the signals of calls. A diagnosis sends its requests in the same way, so that it shows their faults. */
export interface OpenRequests {
  signalFor(caller: AbortSignal): AbortSignal;
  readonly whenClosed: WhenClosed;
}

/** What is diagnosed: one server, for the bot itself or for a user. */
export interface DiagnosisTarget {
  readonly idp: IdpSettings | undefined;
  readonly server: ServerSettings;
  readonly store?: SharedStore | undefined;
  readonly known: KnownSubjects;
  readonly idJagSubjects: IdJagSubjects;
  readonly user?: UserSession | undefined;
}

/**
 * Runs every leg with the code that calls use, without cached tokens and metadata, and returns a report of the responses.
 * The tokens and metadata that are cached for callers are neither used nor changed. Rejects with the reason of a signal that aborts.
 */
export async function diagnose(
  runtime: Runtime,
  target: DiagnosisTarget,
  known: Directory,
  open: OpenRequests,
  signals: readonly (AbortSignal | undefined)[],
): Promise<Diagnosis> {
  const linked = linkedSignal(signals);
  try {
    linked.signal.throwIfAborted();
    return await waitFor(run(runtime, target, known, open, linked.signal), linked.signal);
  } finally {
    linked.unlink();
  }
}

async function run(
  runtime: Runtime,
  { idp, server, store, known: knownSubjects, idJagSubjects, user }: DiagnosisTarget,
  known: Directory,
  open: OpenRequests,
  signal: AbortSignal,
): Promise<Diagnosis> {
  const seen: SeenEvent[] = [];
  let method: string | undefined;
  const watched: Runtime = {
    ...runtime,
    observed: true,
    emit: (event) => void seen.push({ ...event, method }),
    // A person asks, so the request is sent even if the client was just refused.
    clients: runtime.clients.withoutPauses(),
  };
  for (const problem of (await store?.check()) ?? []) {
    watched.emit({ type: 'warning', leg: 'configure', ...problem });
  }
  const directory = known.withoutMetadata(watched);
  const subjects = new SubjectTokens(watched, idp, directory);
  const manager = new TokenManager(watched, undefined);
  const parts = { directory, subjects, known: knownSubjects, idJagSubjects };
  const access = new ServerAccess(server, idp, flowFor(watched, { idp, server }, parts), manager, { user });
  let token: AccessToken | undefined;
  let spoken: Spoken | undefined;
  let error: CredenceError | undefined;
  try {
    token = await access.token(undefined, signal);
    spoken = await probe(watched, access, open, signal, (message) => (method = message));
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    if (!isCredenceError(thrown)) throw thrown;
    error = thrown;
  } finally {
    await manager.close();
  }
  const events = [...seen];
  const metadata = error && (await announced(directory, { idp, server }, error, signal));
  const advice = error && metadata && adviceFor(error, { server, metadata });
  return compileReport(server, events, { token, spoken, error, ...advice });
}

/**
 * The metadata of both issuers, if it can help to explain the error. It is already cached, unless the error came first. The result
 * is undefined for an error that is not about the issuers.
 */
async function announced(
  directory: Directory,
  { idp, server }: { idp: IdpSettings | undefined; server: ServerSettings },
  error: CredenceError,
  signal: AbortSignal,
): Promise<Announced | undefined> {
  const isAboutIssuers = error.leg === 'exchange' || error.leg === 'redeem' || error.leg === 'authenticate';
  if (idp === undefined || server.flow !== 'enterprise-managed') return undefined;
  if (error.retryable || !(isAboutIssuers || error.code === 'issuer_mismatch')) return undefined;
  const asIssuer = async () =>
    server.issuer === 'discover' ? (await directory.target(server, signal)).issuer : server.issuer;
  const [atIdp, atAs] = await Promise.allSettled([
    directory.idp(idp, 'idp.issuer', signal),
    asIssuer().then(async (issuer) => directory.authorizationServer(server, issuer, signal)),
  ]);
  signal.throwIfAborted();
  return {
    idp: atIdp.status === 'fulfilled' ? atIdp.value.metadata : undefined,
    authorizationServer: atAs.status === 'fulfilled' ? atAs.value.metadata : undefined,
  };
}

/** Checks that the server accepts the token and speaks MCP. Undefined if the server requires more scopes than the token has. */
async function probe(
  runtime: Runtime,
  access: ServerAccess,
  open: OpenRequests,
  signal: AbortSignal,
  onMessage: (method: string) => void,
): Promise<Spoken | undefined> {
  const { settings } = access;
  const { name, url } = settings;
  const { totalMs } = runtime.timeout;
  const warn = (message: string, remedy: string) =>
    runtime.emit({ type: 'warning', leg: 'call', server: name, message, remedy });
  const token = () => access.peekForCall();
  // Calls have no time limit, so the diagnosis sets one for a server that never answers.
  const startedMs = runtime.clock.monotonicMs();
  const deadline = linkedSignal([signal]);
  const timer = setTimeout(() => deadline.abort(neverAnswered(name, url, totalMs)), totalMs);
  const context: ProbeContext = {
    server: settings,
    fetch: fetchFor(runtime, access, { stepUp: false }, open.whenClosed),
    fetchOnce: async (input, init = {}) => {
      const current = token();
      if (!current) throw new Error('no token');
      return present(runtime, settings, new URL(input instanceof Request ? input.url : input), init, current);
    },
    onMessage,
    warn,
    secrets: () => [token()?.value ?? ''].filter((secret) => secret !== ''),
    // Calls have a signal of this kind.
    signal: open.signalFor(deadline.signal),
    totalMs,
  };
  try {
    return await waitFor(probeMcp(context), deadline.signal);
  } catch (error) {
    if (deadline.signal.aborted) {
      const reason: unknown = deadline.signal.reason;
      // The request that has no response is a step of the report. A request that is aborted by its caller has no event.
      if (isCredenceError(reason) && !signal.aborted) {
        report(
          runtime,
          { leg: 'call', operation: 'request', contact: 'server-owner', server: name },
          { url: url.href, durationMs: runtime.clock.monotonicMs() - startedMs, failure: reason },
        );
      }
      throw reason;
    }
    if (!isCredenceError(error) || !wouldStepUp(error, settings)) throw error;
    warn(
      `Server "${name}" requires more scopes for every request; a call would step up, a diagnosis does not, so it could not check whether the server speaks MCP.`,
      `Add the scopes that every call needs to servers.${name}.scopes.`,
    );
    return undefined;
  } finally {
    clearTimeout(timer);
    deadline.unlink();
  }
}

function wouldStepUp({ code, missingScopes = [] }: CredenceError, { stepUp }: ServerSettings): boolean {
  return code === 'insufficient_scope' && missingScopes.some((scope) => stepUp.includes(scope));
}

function neverAnswered(server: string, url: URL, totalMs: number): CredenceError {
  return new CredenceError({
    code: 'timeout',
    leg: 'call',
    message: `${withoutQuery(url.href)} did not answer the messages of MCP completely within ${totalMs} ms.`,
    remedy: `Check servers.${server}.url; if it is right, ask the owner of server "${server}" whether the server works.`,
    contact: 'server-owner',
    server,
    retryable: true,
  });
}
