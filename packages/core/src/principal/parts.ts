import { ServerAccess } from '../call/server-access.ts';
import { Directory } from '../discovery/directory.ts';
import { flowFor } from '../flows/flow-for.ts';
import { IdJagSubjects } from '../flows/id-jag-subjects.ts';
import { KnownSubjects } from '../flows/known-subjects.ts';
import { SubjectTokens } from '../flows/subject-tokens.ts';
import type { UserSession } from '../flows/user-session.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { SharedStore } from '../store/shared-store.ts';
import type { RunId } from '../telemetry/run-id.ts';
import { TokenManager } from '../tokens/token-manager.ts';
import type { ServicePrincipalOptions } from './options.ts';
import { runtimeFromOptions } from './runtime-from-options.ts';
import { type Settings, settingsFromOptions } from './settings-from-options.ts';

/** What a principal consists of. */
export interface PrincipalParts {
  readonly runtime: Runtime;
  readonly settings: Settings;
  readonly directory: Directory;
  readonly store: SharedStore | undefined;
  readonly subjects: SubjectTokens;
  readonly known: KnownSubjects;
  readonly idJagSubjects: IdJagSubjects;
  readonly manager: TokenManager;
  readonly servers: ReadonlyMap<string, ServerAccess>;
  /** Whether the application has given a fetch. */
  readonly hasOwnFetch: boolean;
  readonly revokesOnClose: boolean;
  readonly maxUserTokens: number | undefined;
  readonly label: string | undefined;
  /** Only for a principal that acts for a user. It has all other parts from its bot, except `servers` and `manager`. */
  readonly user?: UserPart | undefined;
}

export interface UserPart {
  readonly session: UserSession;
  readonly run: RunId | undefined;
  /** The names of the servers whose flow has no user. */
  readonly unusable: ReadonlySet<string>;
  /** Called when the principal was closed. */
  readonly closed: () => void;
}

/** Throws a `CredenceError` of the leg `configure` for the first invalid option. */
export function partsFromOptions(options: ServicePrincipalOptions): PrincipalParts {
  const settings = settingsFromOptions(options);
  const runtime = runtimeFromOptions(options);
  const { idp, servers } = settings;
  const directory = new Directory(runtime);
  const store = options.store && new SharedStore(runtime, options.store);
  const subjects = new SubjectTokens(runtime, idp, directory, store);
  const known = new KnownSubjects(store);
  const idJagSubjects = new IdJagSubjects();
  const manager = new TokenManager(runtime, store, options.cache?.maxTokens);
  idJagSubjects.onDrop((owner, issuer) => {
    if (owner === undefined) manager.dropOf(owner, issuer);
  });
  return {
    runtime,
    settings,
    directory,
    store,
    subjects,
    known,
    idJagSubjects,
    manager,
    servers: new Map(
      [...servers.values()].map((server) => {
        const flow = flowFor(runtime, { idp, server }, { directory, subjects, store, known, idJagSubjects });
        return [server.name, new ServerAccess(server, idp, flow, manager)];
      }),
    ),
    hasOwnFetch: options.fetch !== undefined,
    revokesOnClose: options.revokeOnClose ?? false,
    maxUserTokens: options.cache?.maxUserTokens,
    label: options.label,
  };
}

const PREPARED = Symbol('prepared');

interface PreparedOptions extends ServicePrincipalOptions {
  readonly [PREPARED]: PrincipalParts;
}

/** Options for a principal with these parts. Only code of this package can write them, because the symbol is not exported. */
export function preparedOptions(parts: PrincipalParts): ServicePrincipalOptions {
  const options: PreparedOptions = { servers: {}, [PREPARED]: parts };
  return options;
}

/** The parts for a new principal. Throws a `CredenceError` of the leg `configure` for the first invalid option. */
export function partsFor(options: ServicePrincipalOptions): PrincipalParts {
  return isPrepared(options) ? options[PREPARED] : partsFromOptions(options);
}

function isPrepared(options: ServicePrincipalOptions): options is PreparedOptions {
  return typeof options === 'object' && options !== null && PREPARED in options;
}
