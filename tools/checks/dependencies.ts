import { satisfies } from 'semver';

/** The oldest Node that the packages run on. */
export const OLDEST_NODE = '20.19.0';

/** Licences that any dependency may have. */
const LICENCES: ReadonlySet<string> = new Set(['MIT', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', '0BSD']);

/** An installed package as a package-lock.json describes it. */
export interface LockedPackage {
  readonly license?: string;
  readonly engines?: { readonly node?: string };
  /** True when only development needs it. */
  readonly dev?: boolean;
  /** True for a link to a workspace. */
  readonly link?: boolean;
}

/** A package that may have another licence, or ask for a newer Node, for a reason. */
export interface Exception {
  readonly name: string;
  readonly reason: string;
  /** Its licence, when that is not in the list. */
  readonly licence?: string;
  /** True when it asks for a newer Node. */
  readonly newerNode?: boolean;
  /** True when it may also be a dependency in production. Default: development only. */
  readonly production?: boolean;
}

/** What was found in the lockfiles: one line for each fault, and the exceptions that a package needed. */
export interface Findings {
  readonly faults: string[];
  readonly used: ReadonlySet<Exception>;
}

/**
 * Holds every installed package of a lockfile against the licences and, in production, against the oldest Node. With
 * `developmentOnly` nothing in the lockfile counts as production, whatever it says: the project itself is a tool.
 */
export function checkDependencies(
  packages: Readonly<Record<string, LockedPackage>>,
  exceptions: readonly Exception[],
  { developmentOnly = false } = {},
): Findings {
  const faults: string[] = [];
  const used = new Set<Exception>();
  const allows = (exception: Exception | undefined, applies: boolean | undefined) => {
    if (exception !== undefined && applies === true) used.add(exception);
    return exception !== undefined && applies === true;
  };
  for (const [path, installed] of Object.entries(packages)) {
    if (!path.includes('node_modules/') || installed.link === true) continue;
    const production = !developmentOnly && installed.dev !== true;
    const exception = exceptions.find(
      ({ name, production: also }) => name === packageAt(path) && (!production || also === true),
    );
    const { license = 'no licence' } = installed;
    if (!isAllowedLicence(license) && !allows(exception, exception?.licence === license)) {
      faults.push(`${path}: its licence is ${license}`);
    }
    const node = installed.engines?.node ?? '*';
    if (production && !satisfies(OLDEST_NODE, node) && !allows(exception, exception?.newerNode)) {
      faults.push(`${path}: it needs Node ${node}, and the packages run on ${OLDEST_NODE}`);
    }
  }
  return { faults, used };
}

/** True when an SPDX expression is satisfied by the licences of the list: each side of AND, or one side of OR. */
export function isAllowedLicence(expression: string): boolean {
  const inside = /^\((?<inside>[^()]*)\)$/u.exec(expression)?.groups?.['inside'] ?? expression;
  return inside.split(' OR ').some((choice) => choice.split(' AND ').every((licence) => LICENCES.has(licence)));
}

/** `@scope/name` of `node_modules/a/node_modules/@scope/name`. */
function packageAt(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
