import { satisfies } from 'semver';

/** The oldest version of Node that the packages support. */
export const OLDEST_NODE = '20.19.0';

/** Licences that any dependency may have. */
const LICENCES: ReadonlySet<string> = new Set(['MIT', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', '0BSD']);

/** The entry of an installed package in a package-lock.json. */
export interface LockedPackage {
  readonly license?: string;
  readonly engines?: { readonly node?: string };
  /** True for a development dependency. */
  readonly dev?: boolean;
  /** True for a link to a workspace. */
  readonly link?: boolean;
}

/** A package that may have a licence outside the list, or require a newer Node, for the given reason. */
export interface Exception {
  readonly name: string;
  readonly reason: string;
  /** The licence of the package, if the list does not contain it. */
  readonly licence?: string;
  /** True if the package requires a newer Node than the oldest supported one. */
  readonly newerNode?: boolean;
  /** True if the exception also applies to production dependencies. Default: development dependencies only. */
  readonly production?: boolean;
}

/** The result of a check: one line for each fault, and the exceptions that applied to a package. */
export interface Findings {
  readonly faults: string[];
  readonly used: ReadonlySet<Exception>;
}

/**
 * Checks the licence of every installed package of a lockfile, and for production dependencies also the required version of
 * Node. With `developmentOnly` all packages of the lockfile count as development dependencies: use it for the lockfile of a
 * tool that is not published.
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
      ({ name, production: inProduction }) => name === packageAt(path) && (!production || inProduction === true),
    );
    const { license = 'no licence' } = installed;
    if (!isAllowedLicence(license) && !allows(exception, exception?.licence === license)) {
      faults.push(`${path}: its licence is ${license}`);
    }
    const node = installed.engines?.node ?? '*';
    if (production && !satisfies(OLDEST_NODE, node) && !allows(exception, exception?.newerNode)) {
      faults.push(`${path}: it requires Node ${node}, but the oldest supported version is ${OLDEST_NODE}`);
    }
  }
  return { faults, used };
}

/** Whether the listed licences satisfy an SPDX expression: every licence of an AND, at least one of an OR. */
export function isAllowedLicence(expression: string): boolean {
  const unwrapped = /^\((?<inside>[^()]*)\)$/u.exec(expression)?.groups?.['inside'] ?? expression;
  return unwrapped.split(' OR ').some((choice) => choice.split(' AND ').every((licence) => LICENCES.has(licence)));
}

/** `@scope/name` of `node_modules/a/node_modules/@scope/name`. */
function packageAt(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
