import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import '../../../../test/support/oidc-provider.ts';
import { providerInternals } from './provider-internals.ts';

const EXPECTED_VERSION = '9.13.3';

describe('the internal functions of oidc-provider', () => {
  it('are used of exactly one version, which is the peer dependency', async () => {
    const main = createRequire(import.meta.url).resolve('oidc-provider/package.json');
    const { version } = JSON.parse(await readFile(main, 'utf8')) as { version: string };
    const own = new URL('../../package.json', import.meta.url);
    const { peerDependencies } = JSON.parse(await readFile(own, 'utf8')) as {
      peerDependencies: Record<string, string>;
    };
    expect(version).toBe(EXPECTED_VERSION);
    expect(peerDependencies['oidc-provider']).toBe(EXPECTED_VERSION);
  });

  it('exist, and have the expected number of parameters', async () => {
    const { validateDpop, checkDpopReplay, checkDpopRequired, checkMtlsCert, findAccount, errors } =
      await providerInternals();
    // Function.length counts the parameters before the first one with a default value.
    expect(validateDpop).toHaveLength(3);
    expect(checkDpopReplay).toHaveLength(4);
    expect(checkDpopRequired).toHaveLength(3);
    expect(checkMtlsCert).toHaveLength(2);
    expect(findAccount).toHaveLength(4);
    expect(new errors.CustomOIDCProviderError('invalid_target', 'why')).toMatchObject({
      error: 'invalid_target',
      error_description: 'why',
      expose: true,
      statusCode: 400,
    });
  });
});
