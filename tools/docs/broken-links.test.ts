import { describe, expect, it } from '@jest/globals';
import { brokenLinks } from './broken-links.ts';

const site = (body: string) =>
  brokenLinks(
    new Map([
      ['index.html', body],
      ['pages/one.html', '<h2 id="first part"></h2><a href="../index.html#top">'],
      ['media/file.ts', ''],
    ]),
  );

describe('brokenLinks', () => {
  it.each(['pages/one.html', 'pages/one.html#first%20part', '#here', 'media/file.ts#L1', 'https://example.com/none'])(
    'accepts a link to %s',
    (href) => {
      expect(site(`<p id="top"><p id="here"><a href="${href}">`)).toEqual([]);
    },
  );

  it.each(['pages/two.html', 'pages/one.html#second', '#there'])('reports a broken link to %s once', (href) => {
    expect(site(`<p id="top"><a href="${href}"><a href="${href}">`)).toEqual([`index.html links to ${href}`]);
  });

  it('resolves a link relative to its page', () => {
    expect(site('')).toEqual(['pages/one.html links to ../index.html#top']);
  });
});
