//! Documents made of what is declared: everything filled in by its example, then something done to one field of them.

use hotline::grammar::schema::value;
use hotline::grammar::{Field, Given, Map, Shape};
use serde_json::{Map as Object, Value, json};

/// A map with all its fields; of those that exclude each other the first.
pub fn whole(map: &Map) -> Value {
    let mut all = Object::new();
    let mut chosen = false;
    for field in map.fields {
        let one_of = matches!(field.given, Given::OneOf | Given::OneOfWith(_));
        let empty = field.example.is_empty() && has_no_sample(&field.shape);
        let beside = one_of && chosen;
        if !empty && !beside {
            all.insert(field.name.to_owned(), of(field));
        }
        chosen |= one_of;
    }
    Value::Object(all)
}

/// A field's example.
pub fn of(field: &Field) -> Value {
    match (field.example, &field.shape) {
        ("", Shape::Fields(map)) => whole(map),
        ("", Shape::List(Shape::Fields(map), ..)) => json!([whole(map)]),
        ("", _) => Value::Null,
        (example, _) => value(example),
    }
}

/// What there is no example of: a file with certificates, a word that stands alone.
fn has_no_sample(shape: &Shape) -> bool {
    !matches!(shape, Shape::Fields(_) | Shape::List(Shape::Fields(_), ..))
}

/// Every map in `document`, which is one like `map`: where it stands, and how it is declared.
pub fn maps(map: &'static Map, document: &Value) -> Vec<(String, &'static Map)> {
    let mut found = vec![(String::new(), map)];
    for field in map.fields {
        if let Some(inside) = document.get(field.name) {
            let at = format!("/{}", field.name);
            found
                .extend(inside_of(&field.shape, inside).into_iter().map(|(to, map)| (at.clone() + &to, map)));
        }
    }
    found
}

fn inside_of(shape: &'static Shape, document: &Value) -> Vec<(String, &'static Map)> {
    match (shape, document) {
        // Of several maps that may stand there, the one that it is.
        (Shape::Fields(map), Value::Object(fields)) => {
            let declared = |name: &String| map.fields.iter().any(|field| field.name == name);
            if map.names.is_some() || fields.keys().all(declared) { maps(map, document) } else { Vec::new() }
        }
        (Shape::List(of, ..) | Shape::OneOrMore(of), Value::Array(items)) => {
            let each = items.iter().enumerate().flat_map(|(at, item)| {
                let inside = inside_of(of, item).into_iter();
                inside.map(move |(to, map)| (format!("/{at}{to}"), map))
            });
            each.collect()
        }
        (Shape::Names(names), Value::Object(entries)) => {
            let each = entries.iter().flat_map(|(key, value)| {
                let inside = inside_of(&names.value, value).into_iter();
                inside.map(move |(to, map)| (format!("/{key}{to}"), map))
            });
            each.collect()
        }
        (Shape::Either(one, other), _) => {
            let mut all = inside_of(one, document);
            all.extend(inside_of(other, document));
            all
        }
        _ => Vec::new(),
    }
}

/// `document` with the map at `place` changed.
pub fn changed(document: &Value, place: &str, change: impl FnOnce(&mut Object<String, Value>)) -> Value {
    let mut document = document.clone();
    let map = document.pointer_mut(place).and_then(Value::as_object_mut).expect("a map was found there");
    change(map);
    document
}
