import { invalidConfiguration } from '../invalid-configuration.ts';

/** What can stand in `CREDENCE_SERVERS`, in the name of an environment variable and in a client id. */
const SIMPLE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/u;
/** What can be a client id (RFC 6749 appendix A.1) and a subject, without a space at either end. */
const PRINTABLE = /^[\u0021-\u007e](?:[\u0020-\u007e]{0,198}[\u0021-\u007e])?$/u;

/** @throws CredenceError `invalid_configuration` for a name that a server or an authorization server cannot have. */
export function checkServerName(kind: 'server' | 'authorization server', name: string): void {
  if (SIMPLE.test(name)) return;
  throw invalidConfiguration(
    `${JSON.stringify(name)} cannot be the name of a sandbox's ${kind}.`,
    'Use 1 to 64 letters, digits, dots, underscores and hyphens, with a letter or digit first.',
  );
}

/** @throws CredenceError `invalid_configuration` for a name that a principal, a group or a user cannot have. */
export function checkSubjectName(kind: 'principal' | 'group' | 'user', name: string): void {
  // an object literal cannot have the key __proto__, and copies of objects lose it
  if (PRINTABLE.test(name) && name !== '__proto__') return;
  throw invalidConfiguration(
    `${JSON.stringify(name)} cannot be the name of a sandbox's ${kind}.`,
    'Use 1 to 200 printable ASCII characters, without a space at the beginning or at the end.',
  );
}

/** The part of the names of the environment variables that a server has of its own. */
export function variablePart(server: string): string {
  return server.toUpperCase().replace(/[^A-Z0-9]/gu, '_');
}

/** @throws CredenceError `invalid_configuration` for two servers that would have the same environment variables. */
export function checkVariables(servers: readonly string[]): void {
  const owners = new Map<string, string>();
  for (const name of servers) {
    const other = owners.get(variablePart(name));
    if (other !== undefined) {
      throw invalidConfiguration(
        `The servers "${other}" and "${name}" would have the same variables (CREDENCE_SERVER_${variablePart(name)}_...).`,
        'Choose names that differ in more than case and punctuation.',
      );
    }
    owners.set(variablePart(name), name);
  }
}
