import { expect, it } from 'vitest';
import { ProblemError } from '../api/client';
import '../locales/i18n';
import { problemText } from './states';

it('what is wrong with each field is a sentence of its own', () => {
  const x = new ProblemError(422, {
    code: 'fields_wrong',
    detail: 'Dữ liệu nhập chưa được chấp nhận.',
    fields: [
      { field: 'operator', label: 'đơn vị vận hành', detail: 'không có trong danh sách' },
      { field: 'unit', label: 'đơn vị', detail: 'không có trong danh sách' },
    ],
    do: 'Sửa các chỗ được nêu rồi lưu lại.',
  } as never);
  expect(problemText(x, '')).toBe(
    'Dữ liệu nhập chưa được chấp nhận. đơn vị vận hành: không có trong danh sách. đơn vị: không có trong danh sách. Sửa các chỗ được nêu rồi lưu lại.',
  );
});
