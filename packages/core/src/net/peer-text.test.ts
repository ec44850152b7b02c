import { describe, expect, it } from '@jest/globals';
import { peerError, peerText } from './peer-text.ts';

describe('peerText', () => {
  it.each<[string, string | undefined]>([
    ['{"error":"invalid_token","error_description":"wrong audience"}', 'wrong audience'],
    ['{"type":"about:blank","title":"Too slow","detail":"quota of 5/s","status":503}', 'Too slow: quota of 5/s'],
    ['{"title":"Same","detail":"Same"}', 'Same'],
    ['{"detail":"Not authenticated"}', 'Not authenticated'],
    ['{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}', 'Session not found'],
    ['event: message\r\ndata: {"error":{"code":-32001,"message":"No session"}}\r\n\r\n', 'No session'],
    ['{"errors":[{"message":"first"},{"message":"second"}]}', 'first'],
    ['{"error":"Unauthorized","message":"jwt expired"}', 'Unauthorized: jwt expired'],
    ['{"message":"Forbidden"}', 'Forbidden'],
    ['{"error":"server_error"}', 'server_error'],
    ['{"code":17}', '{"code":17}'],
    ['{"error_description":7,"title":["x"],"error":null}', '{"error_description":7,"title":["x"],"error":null}'],
    ['upstream connect error', 'upstream connect error'],
    ['<!doctype html><html><head><TITLE lang="en">502 Bad Gateway</TITLE></head></html>', '502 Bad Gateway'],
    ['<html><body>no title</body></html>', undefined],
    ['', undefined],
    [' \u0000\r\n\u202e ', undefined],
  ])('of %j is %j', (body, text) => {
    expect(peerText(body)).toBe(text);
  });

  it('is one line of at most 300 characters without secrets and tokens', () => {
    const text = peerText(`bad\r\ntoken s3cr3t-value eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln ${'x'.repeat(90_000)}`, [
      's3cr3t-value',
    ]);
    expect(text).toHaveLength(300);
    expect(text).toMatch(/^bad ?token \[redacted\] \[redacted\] x+…$/u);
  });

  it('is read from a megabyte in less than 100 ms', () => {
    const started = performance.now();
    for (const unit of ['<title ', 'data: {', '{"a":', 'data:{\n', '<']) peerText(unit.repeat(1_000_000 / unit.length));
    expect(performance.now() - started).toBeLessThan(100);
  });
});

describe('peerError', () => {
  it.each([
    ['{"error":"invalid_token"}', 'invalid_token'],
    ['{"error":{"code":1}}', undefined],
    ['error', undefined],
  ])('of %j is %j', (body, error) => {
    expect(peerError(body)).toBe(error);
  });
});
