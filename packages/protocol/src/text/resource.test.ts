import { describe, expect, it } from '@jest/globals';
import { isNormalResource, normalResource, sameResource } from './resource.ts';

const H = 'https://mcp.example';

describe('a resource identifier', () => {
  it.each([
    [H, `${H}/`],
    [`${H}/`, `${H}/`],
    [`${H}/mcp`, `${H}/mcp`],
    [`${H}/mcp/`, `${H}/mcp/`],
    ['HTTPS://MCP.Example/MCP', `${H}/MCP`],
    [`${H}:443/mcp`, `${H}/mcp`],
    [`${H}:/mcp`, `${H}/mcp`],
    [`${H}:0443/mcp`, `${H}/mcp`],
    [`${H}:8443/mcp`, `${H}:8443/mcp`],
    ['http://mcp.example:80', 'http://mcp.example/'],
    ['http://mcp.example:443', 'http://mcp.example:443/'],
    [`${H}/%7e%41%2d%5f%2e%30`, `${H}/~A-_.0`],
    [`${H}/a%2fb`, `${H}/a%2Fb`],
    [`${H}/a%2Fb`, `${H}/a%2Fb`],
    [`${H}/%257e`, `${H}/%257e`],
    [`${H}/%25%37e`, `${H}/%257e`],
    [`${H}/%ff%c3%bc`, `${H}/%FF%C3%BC`],
    [`${H}/a/../mcp`, `${H}/mcp`],
    [`${H}/a/%2e%2E/mcp`, `${H}/mcp`],
    [`${H}/a/.%2e/./mcp/..`, `${H}/`],
    [`${H}/..%2fmcp`, `${H}/..%2Fmcp`],
    [`${H}//mcp`, `${H}//mcp`],
    [`${H}/mcp?`, `${H}/mcp?`],
    [`${H}?tenant=%7e%2f`, `${H}/?tenant=~%2F`],
    [`${H}/mcp?b=1&a=2`, `${H}/mcp?b=1&a=2`],
    [`${H}/mcp;v=1`, `${H}/mcp;v=1`],
    [`${H}/mcp;`, `${H}/mcp;`],
    [`${H}./mcp`, `${H}./mcp`],
    ['https://%6dcp.example/mcp', `${H}/mcp`],
    ['https://bücher.example/ü', 'https://xn--bcher-kva.example/%C3%BC'],
    ['https://XN--BCHER-KVA.example/', 'https://xn--bcher-kva.example/'],
    ['https://u:p@mcp.example/', 'https://u:p@mcp.example/'],
    ['https://@mcp.example/', `${H}/`],
    ['https://[2001:DB8:0:0::1]:443/', 'https://[2001:db8::1]/'],
    ['https://[::ffff:127.0.0.1]/', 'https://[::ffff:7f00:1]/'],
    ['http://2130706433/', 'http://127.0.0.1/'],
    ['http://0x7f.1/', 'http://127.0.0.1/'],
    ['http://0177.0.0.1/', 'http://127.0.0.1/'],
    ['URN:example:Mcp', 'urn:example:Mcp'],
    ['urn:example:%6dcp%2f', 'urn:example:mcp%2F'],
    ['api://app-id', 'api://app-id'],
  ])('%s has the normal form %s', (value, normal) => {
    expect(normalResource(value)).toBe(normal);
    expect(normalResource(normal)).toBe(normal);
    expect(sameResource(value, normal)).toBe(true);
    expect(isNormalResource(value)).toBe(value === normal || `${value}/` === normal);
  });

  it.each([
    '',
    'mcp',
    '/mcp',
    '//mcp.example/mcp',
    'mcp.example/mcp',
    'https://',
    `${H}/mcp#`,
    `${H}/mcp#tools`,
    'urn:example:mcp#x',
    `${H}/m\tcp`,
    `${H}/mcp\n`,
    `${H}/m\r\ncp`,
    ` ${H}/mcp`,
    `${H}/mcp `,
    `${H}/a b`,
    `${H}/a\u00a0b`,
    `${H}/a\u200bb`,
    `${H}/a\u061cb`,
    `${H}/a\u{e0041}b`,
    `${H}/a\ud800b`,
    `${H}\\mcp`,
    'https:\\\\mcp.example\\mcp',
    `${H}/"mcp"`,
    `${H}/{mcp}`,
    `${H}/a|b`,
    `${H}/<mcp>`,
    `${H}/%`,
    `${H}/%7`,
    `${H}/%2%35`,
    `${H}/%zz`,
    `${H}:99999/`,
    'https://[::1/',
    'https://[fe80::1%25eth0]/',
    'https://256.1.1.1/',
    'https://a%2fb/',
  ])('%j has no normal form, because it is not an absolute URI without a fragment', (value) => {
    expect(normalResource(value)).toBeUndefined();
    expect(isNormalResource(value)).toBe(false);
    expect(sameResource(value, `${H}/mcp`)).toBe(false);
    expect(sameResource(value, value)).toBe(true);
  });

  it.each([
    [`${H}/mcp`, `${H}/mcp/`],
    [`${H}/mcp`, `${H}/mcp?`],
    [`${H}/mcp`, `${H}/MCP`],
    [`${H}/mcp`, `${H}/mcp;`],
    [`${H}/mcp`, `${H}:8443/mcp`],
    [`${H}/mcp`, 'http://mcp.example/mcp'],
    [`${H}/mcp`, `${H}./mcp`],
    [`${H}/mcp`, 'https://u@mcp.example/mcp'],
    [`${H}/mcp`, `${H}//mcp`],
    [`${H}/a/b`, `${H}/a%2fb`],
    [`${H}/%7e`, `${H}/%257e`],
    [`${H}/`, `${H}/?`],
    ['urn:example:mcp', 'urn:example:MCP'],
    ['https://bücher.example/', 'https://bucher.example/'],
  ])('%s is another resource than %s', (a, b) => {
    expect(sameResource(a, b)).toBe(false);
    expect(sameResource(b, a)).toBe(false);
  });
});
