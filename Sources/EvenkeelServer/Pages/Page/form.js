// A row of a table, or plain values, as a form with one field for each.

class Form {
  constructor(place, fields, changed) {
    this.fields = fields;
    const grid = make('div', {class: 'fields'});
    this.inputs = fields.map((field, index) => {
      const id = `field-${index}`;
      const input = field.choices ? this.choice(field, id) : this.box(field, id);
      const parts = [make('label', {for: id}, field.name), input];
      if (field.least !== undefined && field.kind === 'number') parts.push(this.slider(field, input, changed));
      if (field.least !== undefined) parts.push(make('span', {class: 'small'}, this.range(field)));
      grid.append(make('div', {class: 'field'}, ...parts));
      input.addEventListener('input', event => changed(event.timeStamp));
      return input;
    });
    place.append(grid);
  }

  choice(field, id) {
    const options = [make('option', {value: ''}, '(missing)')].concat(field.choices.map(name => make('option', {value: name}, name)));
    const select = make('select', {id}, ...options);
    select.value = field.value;
    return select;
  }

  box(field, id) {
    const input = make('input', {id, type: field.kind === 'date' ? 'date' : 'number', step: 'any', autocomplete: 'off'});
    input.value = field.value;
    return input;
  }

  // Moves with the number, over the range of the training rows.
  slider(field, input, changed) {
    const [least, greatest] = [Number(field.least), Number(field.greatest)];
    const whole = Number.isInteger(least) && Number.isInteger(greatest) && greatest - least >= 5;
    const slider = make('input', {
      type: 'range', min: least, max: greatest, step: whole ? 1 : (greatest - least) / 200 || 1, 'aria-label': `${field.name}, slider`,
    });
    slider.value = input.value;
    slider.addEventListener('input', event => {
      input.value = whole ? slider.value : Number(Number(slider.value).toPrecision(4));
      changed(event.timeStamp);
    });
    input.addEventListener('input', () => { slider.value = input.value; });
    return slider;
  }

  range(field) {
    const text = value => field.kind === 'date' ? value : short(Number(value));
    return `trained on ${text(field.least)} to ${text(field.greatest)}`;
  }

  get values() { return this.inputs.map(input => input.value); }

  set values(values) {
    this.inputs.forEach((input, index) => {
      if (typeof values[index] !== 'string') return;
      input.value = values[index];
      const slider = input.parentElement.querySelector('[type=range]');
      if (slider) slider.value = values[index];
    });
  }

  // One row: cells by the names of their columns, or numbers.
  body(isTable) {
    const {values} = this;
    return JSON.stringify([isTable ? Object.fromEntries(this.fields.map((field, index) => [field.name, values[index]])) : values.map(Number)]);
  }
}
