import { waitFor } from '@credence/protocol';
import type { ClientAuthenticationRequest, ClientCredential } from '../credentials/credential.ts';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import type { Leg } from '../errors/leg.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** The context of the authentication, for its errors and warnings. */
export interface AboutCredential {
  readonly leg: Leg;
  /** The path of the option with the credential, such as `idp.credential`. */
  readonly option: string;
  readonly server?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** By runtime and credential, the last warning that was emitted. A warning is emitted once, not for each request. */
const emitted = new WeakMap<Runtime, WeakMap<ClientCredential, string>>();

/**
 * Adds the authentication of the client to a request. An error of the credential gets the option, or the environment variable, and
 * the server. A signer or callback that never resolves must not delay the end of the acquisition, so the wait ends with `signal`.
 */
export async function authenticateClient(
  runtime: Runtime,
  credential: ClientCredential,
  request: Omit<ClientAuthenticationRequest, 'nowMs' | 'warn' | 'signal'>,
  about: AboutCredential,
): Promise<void> {
  const where = credential.variable ?? about.option;
  let warning: string | undefined;
  try {
    const authenticated = credential.authenticate({
      ...request,
      signal: about.signal,
      // An assertion is valid for a minute by the clock of the issuer, not by ours.
      nowMs: runtime.clock.wallMs() + (runtime.peerClocks?.differenceMs(request.issuer) ?? 0),
      warn({ message, remedy }) {
        warning = `${where}: ${message}`;
        if (lastWarnings(runtime).get(credential) === warning) return;
        lastWarnings(runtime).set(credential, warning);
        runtime.emit({
          type: 'warning',
          code: 'credential_file',
          leg: about.leg,
          server: about.server,
          message: warning,
          remedy,
        });
      },
    });
    await untilAborted(Promise.resolve(authenticated), about.signal);
  } catch (error) {
    throw isCredenceError(error) && error.leg === 'configure' ? named(error, where, about) : error;
  }
  // The credential works again, so the next problem is reported, even if it is the same one.
  if (warning === undefined) emitted.get(runtime)?.delete(credential);
}

/** Waits like `waitFor`. If the credential reports its own failure when the signal is aborted, that failure is thrown. */
async function untilAborted(authenticated: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  try {
    await waitFor(authenticated, signal);
  } catch (error) {
    if (!signal?.aborted || error !== signal.reason) throw error;
    const failure = authenticated.then(
      () => undefined,
      (own: unknown) => own,
    );
    const own = await Promise.race([failure, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))]);
    throw isCredenceError(own) ? own : error;
  }
}

function lastWarnings(runtime: Runtime): WeakMap<ClientCredential, string> {
  const known = emitted.get(runtime) ?? new WeakMap<ClientCredential, string>();
  emitted.set(runtime, known);
  return known;
}

function named(error: CredenceError, where: string, { server }: AboutCredential): CredenceError {
  if (error.message.startsWith(`${where}: `)) return error;
  const { name: _name, ...members } = error.toJSON();
  return new CredenceError({
    ...members,
    message: `${where}: ${error.message}`,
    server: error.server ?? server,
    cause: error.cause,
  });
}
