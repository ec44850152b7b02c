import { incomplete, tokenUnavailable } from './errors.ts';
import { jwtFrom } from './jwt.ts';
import { variable } from './options.ts';
import type { Environment, Platform } from './platform.ts';

/** A platform that puts its tokens into environment variables when a job starts. */
export interface VariablePlatform extends Pick<Platform, 'platform' | 'claims' | 'forks'> {
  readonly env: Environment;
  /** The variables that may contain the token. The first one that is set is used. */
  readonly names: readonly [string, ...string[]];
  /** A variable that the platform always sets, and how the platform is called. */
  readonly marker: { readonly name: string; readonly of: string };
  /** How a job gets the token. */
  readonly remedy: string;
}

/** The token in a variable. It is as old as the job, and the job ends with it. */
export function variableSource({ env, names, marker, remedy, ...about }: VariablePlatform): Platform {
  const { platform } = about;
  const list = names.join(' or ');
  const found = () => names.find((name) => variable(env, name) !== undefined);
  return {
    ...about,
    audience: 'fixed',
    renewable: false,
    local: true,
    async getToken() {
      const name = found();
      if (name === undefined) throw tokenUnavailable(platform, `the variable ${list} is not set.`, remedy);
      return jwtFrom(env[name] ?? '', { platform, from: `the variable ${name}`, remedy });
    },
    async detect() {
      if (found() !== undefined) return { here: true };
      if (variable(env, marker.name) === undefined) {
        return { here: false, why: `Neither ${marker.name}, which ${marker.of} sets, nor ${list} is set.` };
      }
      throw incomplete(platform, `${marker.name} is set, but ${list} is not.`, remedy);
    },
  };
}
